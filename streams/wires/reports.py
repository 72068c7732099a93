"""Report the events of a wire as Outcomes and in the log, with its secrets hidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.logs import logger
from streams.outcome import Kind, Notice, Outcome
from streams.wires.contract import Fault, Secret, scrubbed

log = logger(__name__)


class WireReports:
    """Reports the events of one wire. `secrets` are hidden in every text: servers repeat them."""

    def __init__(
        self, name: str, secrets: tuple[Secret, ...], notice: Notice, now_ns: Callable[[], int]
    ) -> None:
        self._name, self._secrets = name, secrets
        self._notice, self._now_ns = notice, now_ns

    def tell(self, kind: Kind, **more: Any) -> None:  # noqa: ANN401 -- fields of an Outcome
        """Report one event; `more` are fields of its Outcome."""
        self._notice(Outcome(feed=self._name, at_ns=self._now_ns(), kind=kind, **more))

    def connected(self) -> None:
        """Report that the subscription was confirmed."""
        log.debug("wire connected", wire=self._name)
        self.tell("connected")

    def fault(self, fault: Fault, next_s: float | None, during: str = "") -> None:
        """Report why a connection or a back-fill failed; `next_s`: until the next try, None = there is none."""
        words = "; ".join(filter(None, (fault.detail, fault.mend)))
        said = during + scrubbed(words, self._secrets)
        log.debug("wire fault", wire=self._name, reason=fault.reason, detail=said, next_s=next_s)
        kind: Kind = "silent" if fault.reason == "silent" else "failed"
        self.tell(kind, reason=fault.reason, detail=said, next_s=next_s)

    def gap(self, event: str, **facts: float) -> None:
        """Write a step of a back-fill to the log; `facts` are its figures."""
        log.debug(event, wire=self._name, **facts)
