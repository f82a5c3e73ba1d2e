"""The lines of therapy that may follow a decision, by the same rules."""
