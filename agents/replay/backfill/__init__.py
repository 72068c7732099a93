"""A replay's history as blocks of Prometheus, at its original time."""
