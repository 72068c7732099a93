"""Processes known beyond mistake: started apart from us, looked at and ended by pid and start time."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import msgspec

from agents.machine.clock import elapsed_s
from streams.errors import NewsquakeError

TERM_LIMIT_S: Final = 15.0  # a broker that is asked to end closes its log first
KILL_LIMIT_S: Final = 5.0
_POLL_S: Final = 0.02


class Process(msgspec.Struct, frozen=True):
    """A process beyond mistake: a pid alone is given to another one in time."""

    pid: int
    started_ticks: int  # since boot, from /proc/PID/stat (proc(5), field 22)
    boot_id: str


def spawn(command: tuple[str, ...], console: Path) -> Process:
    """Start a process of its own session, so that an interrupt of ours does not reach it.

    `console` takes what it writes. It outlives us; NewsquakeError: this system has no /proc.
    """
    pid = os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(console), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGPIPE],  # Python ignores it
    )
    seen = _look(pid)
    if seen is None:
        raise NewsquakeError("local servers need a system with /proc, as Linux has")
    return Process(pid, seen[1], _boot_id())


def alive(process: Process) -> bool:
    """Say whether this very process runs; a child of ours that has ended is reaped."""
    seen = _look(process.pid)
    if seen is None or seen[1] != process.started_ticks or process.boot_id != _boot_id():
        return False
    if seen[0] not in "ZX":
        return True
    with suppress(ChildProcessError):  # not ours to reap
        os.waitpid(process.pid, os.WNOHANG)
    return False


def end(process: Process) -> None:
    """Ask a process to end, then make it; one that is not the same any more is left alone."""
    for number, limit_s in ((signal.SIGTERM, TERM_LIMIT_S), (signal.SIGKILL, KILL_LIMIT_S)):
        if not alive(process):
            return
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
        deadline_s = elapsed_s() + limit_s
        while alive(process) and elapsed_s() < deadline_s:
            time.sleep(_POLL_S)
    if alive(process):
        raise NewsquakeError(f"process {process.pid} does not end, not even by SIGKILL")


def _look(pid: int) -> tuple[str, int] | None:
    """Return (state, start in ticks since boot) of a process, or None."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name, field 2, may hold anything
    return fields[0], int(fields[19])


def _boot_id() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return ""


def free_ports(count: int) -> list[int]:
    """Return ports free on loopback just now, all different because all are held at once."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
