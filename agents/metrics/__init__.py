"""Metrics of a process: declared families, what increments them, the endpoint."""
