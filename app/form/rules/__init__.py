"""The rules in words, and ways from one to another."""
