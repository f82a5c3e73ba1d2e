"""Cohorts: the same rules over a table of patients, one row each."""
