"""The lines that may follow: what is asked for, the picture, and each decision in full."""
