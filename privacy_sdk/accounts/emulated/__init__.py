"""The emulated account: the account, its server, and the events that it takes."""
