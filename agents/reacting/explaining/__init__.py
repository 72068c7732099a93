"""Divide the measured path of a move among the market, the sector, stories and the unexplained."""
