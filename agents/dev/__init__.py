"""Real servers on this machine for trying things out, without containers: `newsquake dev`."""
