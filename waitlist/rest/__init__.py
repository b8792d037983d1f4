"""The waitlist on REST."""
