"""Recordings: written while exchanges happen, redacted, replayed offline."""
