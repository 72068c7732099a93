"""The pure room of meaning: a headline goes in, Mentions come out. No clock, no I/O."""
