"""Mutation of the knowledge: which small errors in a rule base its own checks notice."""
