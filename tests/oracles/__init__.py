"""Readers of the rule files that share no code with the program, and the comparison of all of them with it."""
