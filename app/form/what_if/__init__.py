"""Facts to change, and what moves when they do."""
