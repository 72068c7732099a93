"""Both stages of an embedded run, guarded: a record at which one raises or hangs is known by its number."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, NoReturn, TypeVar

from agents.reacting.config import EngineConfig
from agents.reacting.engine import Engine
from agents.scoring.score import Scorer
from agents.stages.applying import HUNG_EXIT, ApplyingMark, Death, HangWatch
from agents.stages.observer import Observer
from agents.stages.scorer import make_scorer
from streams.errors import EngineFaultError, JournalError, NewsquakeError
from streams.events import Headline, MarketRecord, Mention, Output
from streams.logs import logger
from streams.reference.universe import Universe
from streams.set_aside import fault_text

MARK: Final = "applying"  # the file of the mark
Given = TypeVar("Given")
Made = TypeVar("Made")

log = logger(__name__)


class LogPlace(NamedTuple):
    """A record's number among the inputs, and how many outputs there were before it."""

    number: int
    kept: int


class GuardedStages:
    """The engine and the scorer of a run, made anew where one of them failed half-way."""

    def __init__(
        self, folder: Path, universe: Universe, config: EngineConfig, observer: Observer
    ) -> None:
        """JournalError: the folder cannot be written to."""
        self._universe, self._config, self._observer = universe, config, observer
        try:
            self._mark = ApplyingMark(folder / MARK)
        except OSError as fault:
            raise JournalError(str(folder), f"{MARK} cannot be written: {fault}") from fault
        self._watch = HangWatch(self._hung)
        self.engine: Engine
        self.scorer: Scorer
        self.renew()

    @property
    def death(self) -> Death | None:
        """Return where the last start died while it applied a record; None: it did not."""
        return self._mark.death

    def renew(self) -> None:
        """Begin again with nothing known."""
        self.engine = self._observer.engine(self._config)
        self.scorer = make_scorer(self._universe)

    def restore(self, engine: bytes, scorer: bytes) -> None:
        """Take the states of both."""
        self.engine.restore(engine)
        self.scorer.restore(scorer)

    def snapshot(self) -> tuple[bytes, bytes]:
        """Return the states of both, without what nothing can reach any more."""
        return self.engine.snapshot(), self.scorer.snapshot()

    def score(self, headline: Headline, place: LogPlace) -> list[Mention]:
        """Score a headline. EngineFaultError: the scorer failed at it."""
        return self._guarded(self.scorer.score, headline, place)

    def react(self, record: MarketRecord, place: LogPlace) -> list[Output]:
        """Apply a record of the market. EngineFaultError: the engine failed at it."""
        return self._guarded(self.engine.apply, record, place)

    def close(self) -> None:
        """Watch no more."""
        self._watch.close()
        self._mark.close()

    def _guarded(self, do: Callable[[Given], Made], given: Given, place: LogPlace) -> Made:
        self._mark.begin(place.number, place.number + 1, place.kept)
        self._watch.begin()
        try:
            return do(given)
        except (NewsquakeError, MemoryError):
            raise
        except Exception as fault:  # the boundary of the pure stages: what it left is half a state
            raise EngineFaultError(place.number, fault_text(fault)) from fault
        finally:
            self._watch.end()
            self._mark.end()

    def _hung(self, place: str) -> NoReturn:
        """End the process: the next start sets the record aside."""
        log.critical("the engine hangs at a record; the next start sets it aside", at=place)
        self._mark.hang()
        logging.shutdown()
        os._exit(HUNG_EXIT)
