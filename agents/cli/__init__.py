"""Arguments of the command line, and nothing else: each command is a lazy import of one door."""

from agents.cli.main import main

__all__ = ["main"]
