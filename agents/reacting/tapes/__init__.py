"""The tape of a listing: seconds, minutes folded from them, and the volatility they give."""
