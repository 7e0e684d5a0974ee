"""What lives in a notebook: the panel, linking a phone, and the panel as a page."""
