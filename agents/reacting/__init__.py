"""PURE. The market log -> reactions, moves and alerts; no clock, no I/O, no randomness."""
