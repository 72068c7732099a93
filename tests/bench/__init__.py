"""Measurements, never tests: `python -m tests.bench`. No figure here can fail a build."""
