"""How good the scorers are on labelled files: `newsquake eval`."""
