"""The inference step by step, and exercises."""
