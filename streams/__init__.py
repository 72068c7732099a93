"""Events in motion: what they are, where they come from, how they travel."""
