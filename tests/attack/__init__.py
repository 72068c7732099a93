"""Attacks that anybody can play against the installed `newsquake`: `python -m tests.attack --list`."""
