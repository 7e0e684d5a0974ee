"""Nouns and rules: categories, values, people's addresses, changes, and their words."""
