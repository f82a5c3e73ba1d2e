"""What the form is made of: its state, its fields and the answer."""
