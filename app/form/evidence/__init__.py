"""Trials, plots, timeline and conflicts between sources."""
