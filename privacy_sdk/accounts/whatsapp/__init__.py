"""The account of a linked phone, through tryx, the Python binding of whatsapp-rust."""
