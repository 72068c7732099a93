"""Alerts of an earlier release, written as that wrote them: the id of a state is that of its JSON."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from streams.codec import encode_json
from streams.events import Alert

# What was not there before moves were explained by their path.
_OF_ALERT: Final = ("sigmas", "timeline")
_OF_SHARES: Final = ("sector_share", "beta", "market_return_bps", "market_candidates")
_OF_CAUSE: Final = ("also",)


def alert_json(alert: Alert) -> bytes:
    """Return the JSON of an alert; of one without a path, which no release of today makes, the old one."""
    data = encode_json(alert)
    if alert.timeline:
        return data
    plain: dict[str, Any] = msgspec.json.decode(data)
    shares = plain["attribution"]
    _drop(plain, _OF_ALERT)
    _drop(shares, _OF_SHARES)
    for cause in shares["candidates"]:
        _drop(cause, _OF_CAUSE)
    return msgspec.json.encode(plain)


def _drop(plain: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        plain.pop(name, None)
