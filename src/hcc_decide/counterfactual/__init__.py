"""Which changes of facts would give an option another verdict."""
