"""Accounts: what a client talks to, in this process, on a gateway, or on a linked phone."""
