"""What finding out a missing fact would be worth."""
