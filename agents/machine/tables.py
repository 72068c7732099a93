"""Tables for the terminal whose rows stay whole: one that is wider is wrapped by the terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

WIDEST: Final = 1_000


def wide_table(*columns: str, right: frozenset[str] = frozenset()) -> Table:
    """Return an empty table without lines; columns in `right` are numbers."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True, justify="right" if column in right else "left")
    return table


def print_wide(table: Table) -> None:
    """Print it on standard output."""
    console = Console(highlight=False)
    wanted = Measurement.get(console, console.options.update(width=WIDEST), table)
    console.width = max(console.width, wanted.maximum)
    console.print(table, crop=False)
