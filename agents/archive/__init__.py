"""Topics to folders and back: `newsquake journal`."""
