"""Feeds that are asked: when, with what validators, and what each answer means."""
