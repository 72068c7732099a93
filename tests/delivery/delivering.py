"""Alerts of a test's own, and a dispatcher that is as impatient as a test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from agents.config.delivery import LinksFile, WebhookSpec
from agents.delivery.alertmanager import AlertmanagerSink
from agents.delivery.dispatcher import Dispatcher
from agents.delivery.endpoint import Endpoint, RetryPolicy
from agents.delivery.outbox import Outbox
from agents.delivery.target import Target
from agents.delivery.webhook import WebhookSink
from agents.metrics.declared import ProcessMetrics
from streams.events import SECOND_NS, Alert
from streams.explanation import Attribution, Candidate
from tests.delivery.receiver import Receiver

SECRET = b"a secret of a test"
QUICK = RetryPolicy(0.02, 0.1, 3600.0)
OPENED_NS = 1_758_679_500 * SECOND_NS
HOSTILE = (
    '{{ template "slack.default.title" . }} <script>alert(1)</script> <@U024BE7LH> <!channel> '
    "\u202eevil\x07 {{ .Labels }} & ${jndi:ldap://x}"
)


def alert(number: int = 0, transition: str = "opened", **more: Any) -> Alert:
    """Return the alert of that number in a state."""
    state = transition if transition in {"resolved", "retracted"} else "open"
    candidate = Candidate(
        story_id="s1", headline_id="h1", title="Alibaba to lift AI spending", source="wire.example",
        url="https://wire.example/h1", event_ns=OPENED_NS - 60 * SECOND_NS, lag_s=60.0, share=0.7,
        event_types=("investment",), direction=0.6, factors={"time": 0.9}, copies=0,
    )  # fmt: skip
    made = Alert(
        alert_id=f"alert-{number}", rule="day_move", listing=f"L{number}.XHKG", issuer="alibaba",
        trade_date="2025-09-24", direction="up", state=state, transition=transition,
        severity="warning", opened_ns=OPENED_NS, updated_ns=OPENED_NS + STEPS[transition],
        session="regular", level_pct=8, price=172.15, return_bps=801.2, reference_price=159.4,
        attribution=Attribution(
            market_share=0.1, unexplained_share=0.2, price_led=False, late_feed=False,
            other_line=None, candidates=(candidate,),
        ),
        sentence="It moved.",
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


STEPS = {
    name: number * SECOND_NS
    for number, name in enumerate(("opened", "escalated", "updated", "resolved", "retracted"))
}


def titled(title: str, url: str = "https://wire.example/h1") -> Alert:
    """Return an alert whose first candidate says that."""
    one = alert()
    (candidate,) = one.attribution.candidates
    candidate = msgspec.structs.replace(candidate, title=title, url=url, source=title)
    shares = msgspec.structs.replace(one.attribution, candidates=(candidate,))
    return msgspec.structs.replace(one, attribution=shares, sentence=title)


def hook(
    receiver: Receiver | str, retry_policy: RetryPolicy = QUICK, *, answer_s: float = 5.0,
    tls: Any = None, secrets: tuple[bytes, ...] = (SECRET,), **spec: Any,
) -> WebhookSink:  # fmt: skip
    url = receiver if isinstance(receiver, str) else receiver.url
    made = WebhookSpec(**{"name": "hook", "secret_env": "X", **spec, "url": url})
    endpoint = Endpoint(made.label, url, tls=tls, answer_s=answer_s)
    return WebhookSink(endpoint, made, secrets, LinksFile(), retry_policy=retry_policy)


def manager(
    url: str, again_s: float = 45.0, retry_policy: RetryPolicy = QUICK, name: str = "am"
) -> AlertmanagerSink:
    endpoint = Endpoint(name, f"{url}/api/v2/alerts")
    return AlertmanagerSink(
        endpoint, LinksFile(), again_s=(again_s, again_s), retry_policy=retry_policy
    )


class Told:
    """What a dispatcher says, and what it counts."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sheet = ProcessMetrics()

    def count(self, outcome: str, target: str = "hook") -> float:
        labels = {"target": target, "outcome": outcome}
        return self.sheet.registry.get_sample_value("newsquake_deliveries_total", labels) or 0.0


@contextmanager
def dispatcher(path: Path, *targets: Target, told: Told | None = None) -> Iterator[Dispatcher]:
    """Run a dispatcher over the outbox at `path`; at the end it stops at once, as a process does."""
    with running(Outbox(path), *targets, told=told) as made:
        yield made


@contextmanager
def running(outbox: Outbox, *targets: Target, told: Told | None = None) -> Iterator[Dispatcher]:
    """Run a dispatcher over an outbox, as of a worker in memory."""
    told = told or Told()
    made = Dispatcher(outbox, targets, told.lines.append, sheet=told.sheet)
    made.start()
    try:
        yield made
    finally:
        made.close()


def until(true: Callable[[], Any], limit_s: float = 10.0) -> None:
    """Look again and again until it is true."""
    deadline_s = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.005)
