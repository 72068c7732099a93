"""`newsquake web`, and the same beside the embedded live run."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from agents.broker.connection import Connection, broker_errors
from agents.config.newsquake import WebFile, load_config
from agents.config.secrets import token_of
from agents.config.universe import universe_of
from agents.machine.folders import home_of
from agents.machine.terminal import say
from agents.web.fill import Follower, fill_from_out
from agents.web.server import WebServer
from agents.web.sink import STORE
from agents.web.store import Store
from streams.errors import UsageError
from streams.reference.universe import Universe


def run_web(
    out: Path | None,
    broker: Connection | None,
    config: Path | None,
    said: Mapping[str, Any],
) -> int:
    """Serve OUT, what a broker's topics bring, or what `newsquake run` stores, until a signal comes.

    `said`: what the command line says of keys of [web]; it wins over `config`.
    """
    settings = load_config(config)
    web = msgspec.structs.replace(settings.web, **said)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    token = token_of(web)
    if out is not None:
        with tempfile.TemporaryDirectory(prefix="newsquake-web-") as folder:
            path = Path(folder) / STORE
            with Store(path, kept_ns=None) as store:
                fill_from_out(store, out)
            _serve(path, web, token, str(out), stop.wait)
    elif broker is not None:
        with broker_errors(broker):
            _serve_topics(broker, universe_of(settings, config), web, token, stop)
    else:
        path = home_of(None) / STORE
        if not path.is_file():
            raise UsageError(
                "nothing to serve: give the OUT of a replay, or --broker, or start `newsquake run` first"
            )
        _serve(path, web, token, f"the live run in {path.parent}", stop.wait)
    return 0


def _serve_topics(
    broker: Connection, universe: Universe, web: WebFile, token: str | None, stop: threading.Event
) -> None:
    path = home_of(broker.slug) / STORE
    with Store(path) as store:
        store.follow(universe)
        with contextlib.closing(Follower(store, broker)) as follower:
            shown = f"{broker.prefix}newsquake.* at {broker.address}"
            _serve(path, web, token, shown, lambda: follower.run(stop))


def _serve(
    path: Path, web: WebFile, token: str | None, shown: str, wait: Callable[[], object]
) -> None:
    with contextlib.closing(WebServer(path, web.host, web.port_or_default, token)) as server:
        say("web", f"{shown} at {server.address}")
        wait()


@contextlib.contextmanager
def web_of(web: WebFile, store: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Serve the store meanwhile, where newsquake.toml has a port for it."""
    if web.port is None:
        yield
        return
    with contextlib.closing(WebServer(store, web.host, web.port, token_of(web))) as server:
        tell(f"pages and the read API at {server.address}")
        yield
