"""`newsquake feeds`: check, add, list, test and watch the sources of a configuration."""
