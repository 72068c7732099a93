"""Read the values of a vendor's frames and write those of its requests, whatever the wire brings."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from streams.errors import RecordError
from streams.events import SECOND_NS
from streams.json_values import Object
from streams.times import epoch_to_ns, parse_time

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def array_of(value: object, what: str) -> list[object]:
    """Return an array. RecordError: `undecodable`."""
    if not isinstance(value, list):
        raise RecordError("undecodable", f"{what}: {type(value).__name__} is no array")
    return value


def instant_at(raw: Object, *keys: str) -> int | None:
    """Return the first of the keys that holds an instant, in ns UTC."""
    instants = (_instant(raw.get(key)) for key in keys)
    return next((each for each in instants if each is not None), None)


def rfc3339(instant_ns: int) -> str:
    """Return an instant as requests want it: UTC, to the whole second before it."""
    return dt.datetime.fromtimestamp(instant_ns // SECOND_NS, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def raw_text(raw: object, most_chars: int) -> str:
    """Return a decoded message as JSON text, for its reject, cut at `most_chars` bytes."""
    try:
        return msgspec.json.encode(raw)[:most_chars].decode("utf-8", "replace")
    except (TypeError, ValueError, OverflowError, RecursionError):
        return f"{type(raw).__name__} that JSON cannot hold"


def _instant(value: object) -> int | None:
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, dt.datetime):  # msgpack has a type for it
        aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return (aware - EPOCH) // dt.timedelta(microseconds=1) * 1_000
    if isinstance(value, int | float) and not isinstance(value, bool):
        return epoch_to_ns(value)
    return None
