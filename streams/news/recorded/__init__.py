"""Recorded headlines: JSON Lines, CSV and saved feeds of a replay."""
