"""What people see: tables, frames and pictures, as text and HTML."""
