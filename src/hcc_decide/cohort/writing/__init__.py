"""Files that appear when they are complete: their places, and their formats."""
