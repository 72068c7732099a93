"""Effects: files, clocks, terminals; everything that is not pure."""
