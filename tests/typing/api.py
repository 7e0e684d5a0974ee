"""How the public API is used, as types: never run, checked by mypy and pyright."""
