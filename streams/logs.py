"""Logs of decisions: an event in plain words and its fields, as key=value or one JSON object a line.

Every room logs by `logger(__name__)`; structlog hands its events to the standard logging, which
holds back what nobody wants and brings along what other libraries say. Nothing is logged for a tick.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final, Literal, TextIO

import structlog

from streams.text import printable

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["text", "json"]
LEVELS: Final[tuple[Level, ...]] = ("debug", "info", "warning", "error")
FORMS: Final[tuple[Form, ...]] = ("text", "json")
LOUD: Final = ("aiohttp", "aiokafka", "asyncio", "faust", "kafka", "mode")  # not our decisions
_SHARED: Final[list[structlog.typing.Processor]] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


class DecisionLogger(structlog.stdlib.BoundLogger):
    """A logger whose debug lines cost next to nothing where nobody wants them.

    structlog alone builds the whole event before `filter_by_level` drops it, some 4 us where scoring a
    headline takes 20. Here the level is asked first, which takes half a microsecond.
    """

    def debug(self, event: str | None = None, *args: Any, **fields: Any) -> Any:  # noqa: ANN401 - as inherited
        """Log a decision."""
        if self._logger.isEnabledFor(logging.DEBUG):
            return super().debug(event, *args, **fields)
        return None


structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=DecisionLogger,
    cache_logger_on_first_use=True,
)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module: `log.debug("item known", feed="sec", id="...")`."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return log.bind()  # a lazy one would be made anew for each line


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error in one of our forms."""

    def __init__(self, form: Form) -> None:
        super().__init__(sys.stderr)
        self.form = form
        self.setFormatter(_formatter(form))


def set_up(level: Level, form: Form) -> None:
    """Write logs of `level` and above to standard error.

    The libraries below ours write errors only, warnings at `debug`: they say each retry.
    """
    handler = LogHandler(form)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    quiet = logging.WARNING if level == "debug" else logging.ERROR
    for name in LOUD:
        logging.getLogger(name).setLevel(quiet)


def words() -> tuple[str, ...]:
    """Return what tells another `newsquake` process to log as this one does."""
    root = logging.getLogger()
    return next(
        (
            ("--log-level", logging.getLevelName(root.level).lower(), "--log", handler.form)
            for handler in root.handlers
            if isinstance(handler, LogHandler)
        ),
        (),
    )


def _formatter(form: Form) -> logging.Formatter:
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(sort_keys=True, default=str)
        if form == "json"
        else structlog.processors.LogfmtRenderer(
            key_order=["timestamp", "level", "logger", "event"]
        )
    )
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _inert, last],
        foreign_pre_chain=_SHARED,
    )


def _inert(
    _log: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape what would move a terminal's cursor or turn its text around; a stranger wrote it."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = printable(value)
    return event
