"""The oracle: docs/semantics.md as plain, slow rows, for the column engine to be held against."""

from tests.oracle.closes import DailyRow
from tests.oracle.engine import Oracle

__all__ = ["DailyRow", "Oracle"]
