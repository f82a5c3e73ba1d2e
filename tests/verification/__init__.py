"""Tests of the proofs: each theorem holds for the shipped rules and fails for rules that break it."""
