"""A store of headlines and alerts to be served, and a browser that reads one answer."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from agents.web.server import WebServer
from streams.events import Alert, Headline, Mention, Reaction
from streams.explanation import Attribution, Candidate

T0_NS = 1_758_679_500_000_000_000  # 2025-09-24 02:05:00 UTC
SECOND_NS = 1_000_000_000


def headline(number: int = 1, **changed: Any) -> Headline:
    at_ns = T0_NS + number * SECOND_NS
    made = Headline(
        headline_id=f"{number:016x}", source="wire", source_key=str(number), tier="wire",
        title=f"Alibaba headline {number}", url=f"https://example.com/{number}",
        published_ns=at_ns, event_ns=at_ns, known_ns=at_ns, received_ns=at_ns + SECOND_NS,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changed)


def mention(number: int = 1, issuer: str = "BABA", **changed: Any) -> Mention:
    about = headline(number)
    made = Mention(
        headline_id=about.headline_id, revision=0, issuer=issuer, relevance=0.9,
        evidence=("alias:Alibaba",), vader=0.3, direction=0.5, scorer="s/1",
        event_types=("capex_expansion",), story_id="s", novelty=1.0, event_ns=about.event_ns,
        known_ns=about.known_ns, published_ns=about.published_ns, received_ns=about.received_ns,
        title=about.title,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changed)


def reaction(number: int = 1, listing: str = "BABA.XNYS", horizon: str = "1m") -> Reaction:
    at_ns = headline(number).event_ns
    return Reaction(
        headline_id=f"{number:016x}", issuer="BABA", listing=listing, horizon=horizon,
        event_ns=at_ns, start_ns=at_ns, due_ns=at_ns + 60 * SECOND_NS, reference_price=163.08,
        reference_age_s=1.0, price=179.4, return_bps=1000.7, abnormal_bps=None, z=4.2,
        volume_surge=None, path_high_bps=None, path_low_bps=None, drift_bps=None, flags=(),
    )  # fmt: skip


def alert(number: int = 1, transition: str = "opened", after_s: int = 0, **changed: Any) -> Alert:
    opened_ns = T0_NS + number * SECOND_NS
    cause = Candidate(
        story_id="s", headline_id=f"{number:016x}", title="The cause", source="wire",
        url="https://example.com/1", event_ns=opened_ns, lag_s=60.0, share=0.4,
        event_types=("capex_expansion",), direction=0.5, factors={"time": 0.9}, copies=0,
    )  # fmt: skip
    why = Attribution(
        market_share=0.1, unexplained_share=0.5, price_led=False, late_feed=False,
        other_line=None, candidates=(cause,),
    )  # fmt: skip
    over = transition in {"resolved", "retracted"}
    made = Alert(
        alert_id=f"a{number:015x}", rule="day_move", listing="BABA.XNYS", issuer="BABA",
        trade_date="2025-09-24", direction="up", state=transition if over else "open",
        transition=transition, severity="warning", opened_ns=opened_ns,
        updated_ns=opened_ns + after_s * SECOND_NS, session="pre", level_pct=8, price=176.5,
        return_bps=823.0, reference_price=163.08, attribution=why, sentence=f"BABA up, {number}",
    )  # fmt: skip
    return msgspec.structs.replace(made, **changed)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def ask(server: WebServer | str, path: str, method: str = "GET", **headers: str) -> Answer:
    """Ask by a connection of its own; header names are written with underscores."""
    address = server if isinstance(server, str) else server.address
    parts = urlsplit(address)
    asker = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        asker.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        got = asker.getresponse()
        return Answer(got.status, dict(got.getheaders()), got.read().decode())
    finally:
        asker.close()


@contextmanager
def serving(store: Path, token: str | None = None) -> Iterator[WebServer]:
    server = WebServer(store, "127.0.0.1", 0, token)
    try:
        yield server
    finally:
        server.close()
