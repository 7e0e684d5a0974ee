"""An account in this process that behaves as WhatsApp does, as far as that is known."""
