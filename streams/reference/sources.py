"""Say how far a publisher is trusted: its tier, by its name or by the host of its pages."""

from __future__ import annotations

import csv
import functools
import importlib.resources
import re
from typing import cast, get_args

from streams.errors import InputError
from streams.events import Tier

TIERS: frozenset[str] = frozenset(get_args(Tier))
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")
AFTER_HOST = re.compile(r"[/?#:]")
NOT_IN_A_NAME = re.compile(r"[\W_]+")


@functools.lru_cache(maxsize=4096)
def tier_of(source: str) -> Tier:
    """Return the tier of a publisher given by name, host or URL; `unknown` if not in the table.

    Case, blanks and punctuation do not count in a name; a host is also found by its parents, so
    that `feeds.reuters.com` is Reuters.
    """
    tiers = _tiers()
    text = source.strip().lower()
    for host in _host_and_parents(text):
        if host in tiers:
            return tiers[host]
    return tiers.get(_bare_name(text), "unknown")


def _host_and_parents(text: str) -> list[str]:
    """Return `a.b.c`, `b.c` of a host or URL; nothing where the text can be neither."""
    host = AFTER_HOST.split(SCHEME.sub("", text), maxsplit=1)[0]
    if "." not in host or " " in host:
        return []
    labels = host.split(".")
    return [".".join(labels[k:]) for k in range(len(labels) - 1)]


def _bare_name(text: str) -> str:
    return NOT_IN_A_NAME.sub("", text)


@functools.cache
def _tiers() -> dict[str, Tier]:
    """Return the table by host (with its dots) and by bare name (without any)."""
    text = (importlib.resources.files("streams.reference") / "sources.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    tiers: dict[str, Tier] = {}
    for row in csv.DictReader(lines):
        if row["tier"] not in TIERS:
            raise InputError("sources.csv", f"{row['publisher']} has no such tier: {row['tier']}")
        for name in [row["publisher"], *row["names"].split("|")]:
            tier = cast("Tier", row["tier"])
            known = tiers.setdefault(_key(name), tier)
            if known != tier:
                raise InputError("sources.csv", f"{name!r} is both {known} and {tier}")
    return tiers


def _key(name: str) -> str:
    text = name.strip().lower()
    return text if "." in text and " " not in text else _bare_name(text)
