"""A linked phone, through tryx."""
