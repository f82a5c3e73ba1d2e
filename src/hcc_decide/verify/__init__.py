"""Proofs over the whole rule base: for every patient that can be recorded, not for a sample."""
