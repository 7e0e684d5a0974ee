"""The ``privacy-sdk`` command: one file for each noun."""
