"""See and change who can see you on WhatsApp, from a notebook or a script."""
