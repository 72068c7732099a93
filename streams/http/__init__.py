"""Polite, bounded HTTP out: requests, bodies, faults, waits."""
