"""`newsquake dev`: servers on this machine, started, remembered and ended by their own process id."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from agents.dev import alertmanager as alertmanager_local
from agents.dev import kafka as kafka_local
from agents.dev import prometheus as prometheus_local
from agents.dev.recipe import Accounts, Note, Prepared
from agents.machine.clock import elapsed_s
from agents.machine.folders import state_home
from agents.machine.processes import Process, alive, end, spawn
from agents.machine.terminal import plain_console, print_json
from streams.errors import NewsquakeError
from streams.files import replace_file, taken

STARTS: Final = 3  # each with other ports, should someone take one meanwhile
ALONE: Final[Accounts] = {}


class Recipe(Protocol):
    """How one kind of server is made: a module with these functions."""

    def lacking(self) -> str | None:
        """Return what must be installed first, or None."""

    def prepare(self, folder: Path, note: Note, up: Accounts) -> Prepared:
        """Make all that the server needs in an empty folder; `up`: the servers before it."""

    def await_ready(self, account: dict[str, Any], alive: Callable[[], bool]) -> None:
        """Wait until it serves, or raise NewsquakeError."""

    def log_end(self, folder: Path) -> str:
        """Return the last lines of its log."""

    def port_was_taken(self, folder: Path) -> bool:
        """Say whether its start failed for a port."""


# In the order of their starts: Prometheus sends its alerts to the Alertmanager that is up.
RECIPES: Final[dict[str, Recipe]] = {
    "kafka": kafka_local,
    "alertmanager": alertmanager_local,
    "prometheus": prometheus_local,
}


class Server(msgspec.Struct, frozen=True):
    """A server that was started; `ready` once it has answered."""

    process: Process
    folder: str
    account: dict[str, Any]
    ready: bool = False

    def told(self) -> dict[str, Any]:
        """Return what `--json` says of it."""
        return {**self.account, "pid": self.process.pid, "folder": self.folder}


State = dict[str, Server]
Remember = Callable[[Server | None], None]


# -- the commands


def run_dev_up(*, as_json: bool) -> int:
    """Start what is not up yet, and tell how to reach everything."""
    state = dev_up(plain_console(stderr=True).print)
    if as_json:
        print_json({name: server.told() for name, server in state.items()})
        return 0
    for name, server in state.items():
        sys.stdout.write(f"{name} is up (pid {server.process.pid})\n")
        sys.stdout.writelines(f"  {line}\n" for line in _flat(server.account))
        sys.stdout.write(f"  logs: {server.folder}/*.log\n")
    sys.stdout.write("stop with: newsquake dev down\n")
    return 0


def run_dev_down(*, as_json: bool) -> int:
    """End what `up` started, data included, and tell what was found."""
    found = dev_down()
    if as_json:
        print_json(found)
        return 0
    for name, what in found.items():
        sys.stdout.write(f"{name} {what}\n")
    if not found:
        sys.stdout.write("nothing is up\n")
    return 0


def dev_up(note: Note) -> State:
    """Start every server that is installed and not up, remembering each at once.

    NewsquakeError: none is installed, or one does not start.
    """
    home = state_home() / "dev"
    with _locked(home, note):
        state = _load(home)
        for name, recipe in RECIPES.items():
            server = state.get(name)
            if server and server.ready and alive(server.process):
                note(f"{name} is already up")
                continue
            if server:
                note(f"{name} is remembered but not up: starting it anew")
                _clear(server, home)
                _save(home, state, name, None)
            if reason := recipe.lacking():
                note(reason)
                continue
            up = {other: each.account for other, each in state.items()}
            start(name, home, note, partial(_save, home, state, name), up)
        if not state:
            raise NewsquakeError("nothing to start: see above what to install")
        return dict(state)


def dev_down() -> dict[str, str]:
    """End exactly the servers that were started; return what was found, by name."""
    home = state_home() / "dev"
    if not home.is_dir():
        return {}
    found = {}
    with _locked(home, lambda _: None):
        state = _load(home)
        for name, server in list(state.items()):
            found[name] = "stopped" if alive(server.process) else "had already ended"
            _clear(server, home)
            _save(home, state, name, None)
    return found


# -- one server


@contextmanager
def running(name: str, home: Path, note: Note, up: Accounts = ALONE) -> Iterator[Server]:
    """Start a server for the length of a block, apart from those of `newsquake dev`."""
    server = start(name, home, note, lambda _: None, up)
    try:
        yield server
    finally:
        _clear(server, home)


def start(name: str, home: Path, note: Note, remember: Remember, up: Accounts = ALONE) -> Server:
    """Start a server and wait until it serves; `remember` is called before and after.

    NewsquakeError: something must be installed first, or it does not start; nothing is left then.
    """
    recipe = RECIPES[name]
    if reason := recipe.lacking():
        raise NewsquakeError(reason)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for _ in range(STARTS):
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=home))
        if server := _start_once(recipe, folder, note, remember, up):
            return server
        note(f"{name}: a port was taken meanwhile, trying others")
    raise NewsquakeError(f"{name}: found no free ports in {STARTS} starts")


def _start_once(
    recipe: Recipe, folder: Path, note: Note, remember: Remember, up: Accounts
) -> Server | None:
    """Start once; None: for want of a port. Unless it serves, nothing is left of it."""
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        prepared = recipe.prepare(folder, note, up)
        began_s = elapsed_s()
        process = spawn(prepared.command, folder / "console.log")
        undo.callback(end, process)
        undo.callback(remember, None)
        server = Server(process, str(folder), prepared.account)
        remember(server)  # before it is ready: should we be killed now, `dev down` ends it
        try:
            recipe.await_ready(prepared.account, lambda: alive(process))
        except NewsquakeError as fault:
            if recipe.port_was_taken(folder):
                return None
            raise NewsquakeError(f"{fault}\n{recipe.log_end(folder)}") from fault
        server = msgspec.structs.replace(server, ready=True)
        remember(server)
        undo.pop_all()
    note(f"ready in {elapsed_s() - began_s:.1f} s (process {process.pid})")
    return server


def _clear(server: Server, home: Path) -> None:
    """End a server and remove its folder, if that is one of ours."""
    end(server.process)
    if Path(server.folder).parent == home:
        shutil.rmtree(server.folder, ignore_errors=True)


# -- what is remembered


@contextmanager
def _locked(home: Path, note: Note) -> Iterator[None]:
    """Let one `newsquake dev` at a time look and act."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        if not taken(lock.fileno()):
            note("waiting for another newsquake dev")
            taken(lock.fileno(), wait=True)
        yield


def _load(home: Path) -> State:
    path = home / "state.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as fault:
        raise NewsquakeError(
            f"{path} cannot be read ({fault}). End any server left over by hand, then remove it"
        ) from fault


def _save(home: Path, state: State, name: str, server: Server | None) -> None:
    """Change the remembered state in one step: a reader sees the old one or the new one."""
    if server is None:
        state.pop(name, None)
    else:
        state[name] = server
    replace_file(home / "state.json", msgspec.json.encode(state), mode=0o600)


def _flat(account: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in account.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}: {value}"
