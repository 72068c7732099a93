"""Write plain values as YAML, the same bytes on each run."""

from __future__ import annotations

import sys
from typing import Final

import yaml

Value = str | int | list["Value"] | dict[str, "Value"]
ONE_LINE: Final = (
    sys.maxsize
)  # an expression is not folded: its lines are those that it is written in


class _Dumper(yaml.SafeDumper):  # type: ignore[misc] # PyYAML has no types
    """Each value in full, without the anchors that equal values would share."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - of any value
        """Return True."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _text)


def to_yaml(value: dict[str, Value], heading: str) -> str:
    """Return a document; `heading` is its comment, a line or several."""
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=ONE_LINE)
    return comment + text
