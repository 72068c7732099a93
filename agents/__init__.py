"""What the events mean, and who acts on it."""
