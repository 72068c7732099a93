"""Read documents in processes of their own, which can be ended: whatever one holds, it has a limit.

A few are kept ready. Each reads one document after another: a message is its length in 8 bytes and
what is pickled, both ways; only we ourselves write either end.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any, Final

from streams.logs import logger
from streams.news.dialects.registry import read_document
from streams.news.feed import FeedInfo, ParsedFeed, refused

log = logger(__name__)

READERS: Final = 2
CPU_S: Final = 30.0  # of one document; 10 MB of RSS take 17 s
WALL_S: Final = 120.0  # where the machine has no time for it
START_S: Final = 60.0  # until a new process is ready
LOOK_S: Final = 0.5  # between two looks whether this process ends
CHUNK_BYTES: Final = 65_536
SIZE_BYTES: Final = 8
TIME_OVER: Final = int(signal.SIGPROF)  # what a process is ended with whose time is over
READY: Final = b"newsquake reader\n"
_COMMAND: Final = "import sys; sys.path[:] = {path!r}; from streams.news.dialects.reader_process import serve; serve()"


class ReaderPool:
    """Reads documents in other processes, from any thread; where none can be had, in this one."""

    def __init__(
        self,
        number: int = READERS,
        *,
        cpu_s: float = CPU_S,
        wall_s: float = WALL_S,
        command: tuple[str, ...] = (sys.executable, "-c"),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`say` is told once when documents have to be read in this process, without a limit."""
        self._cpu_s, self._wall_s, self._command, self._say = cpu_s, wall_s, command, say
        self._free: queue.LifoQueue[ReaderProcess | None] = queue.LifoQueue()
        for _ in range(number):
            self._free.put(None)
        self._lock, self._closed, self._told = threading.Lock(), False, False
        self._all: set[ReaderProcess] = set()

    def warm(self) -> None:
        """Begin the processes, so that the first documents need not wait for them."""
        with contextlib.suppress(OSError):
            readers = [self._begun() for _ in range(self._free.qsize())]
            for reader in readers:
                self._free.get_nowait()
                self._free.put(reader)

    def read(self, data: bytes, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
        """Return what a document holds. Never raises.

        Rejects beside those of `read_document`: `too_slow`, it took more than its limit.
        """
        reader = self._free.get()
        fresh: ReaderProcess | None = None
        try:
            fresh = reader if reader is not None and reader.lives else self._begun()
            return fresh.read((data, feed, received_ns, self._cpu_s), self._wall_s)
        except _EndedError as ended:
            self._end(fresh)
            fresh = None
            return _refusal(str(ended), feed, received_ns)
        except OSError as fault:
            self._end(fresh)
            fresh = None
            self._tell(str(fault))
            return read_document(data, feed, received_ns)
        finally:
            self._free.put(fresh)

    def close(self) -> None:
        """End the processes."""
        self._closed = True
        for reader in [*self._all]:
            self._end(reader)

    def _begun(self) -> ReaderProcess:
        with self._lock:
            if self._closed:
                raise OSError("the run ends")
            reader = ReaderProcess([*self._command, _COMMAND.format(path=sys.path)])
            self._all.add(reader)
            return reader

    def _end(self, reader: ReaderProcess | None) -> None:
        if reader is not None:
            self._all.discard(reader)
            reader.end()

    def _tell(self, why: str) -> None:
        if not self._told and not self._closed:
            self._told = True
            log.warning("documents are read without a time limit", why=why)
            self._say(f"documents are read without a time limit: no process can be had: {why}")


class _EndedError(Exception):
    """A reader ended over a document, or had to be ended."""


class ReaderProcess:
    """One process."""

    def __init__(self, command: list[str]) -> None:
        """OSError: it cannot be had."""
        # A session of its own: Ctrl-C is for the run, which ends its readers.
        self._process = subprocess.Popen(  # noqa: S603 -- this Python
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self._ready = False

    @property
    def lives(self) -> bool:
        """Tell whether the process has not ended yet."""
        return self._process.poll() is None

    def read(self, job: tuple[Any, ...], wall_s: float) -> ParsedFeed:
        """Return what the process made of a document. OSError: it never began. _EndedError."""
        if not self._ready:
            if self._received(len(READY), time.monotonic() + START_S) != READY:
                raise OSError("the reader does not begin")
            self._ready = True
        end_s = time.monotonic() + wall_s
        body = pickle.dumps(job, pickle.HIGHEST_PROTOCOL)
        try:
            _write(self._process.stdin, len(body).to_bytes(SIZE_BYTES, "big") + body)
        except BrokenPipeError:
            raise self._ended() from None
        size = self._received(SIZE_BYTES, end_s)
        answer = self._received(int.from_bytes(size, "big"), end_s) if size else b""
        if not answer:
            raise self._ended()
        parsed: ParsedFeed = pickle.loads(answer)  # noqa: S301 -- by a process that we began
        return parsed

    def _received(self, size: int, end_s: float) -> bytes:
        """Return so many bytes, none where the process ends or takes too long."""
        assert self._process.stdout is not None
        handle, found = self._process.stdout.fileno(), bytearray()
        waiting = select.poll()
        waiting.register(handle, select.POLLIN | select.POLLHUP)
        while len(found) < size:
            left_s = end_s - time.monotonic()
            if left_s <= 0 or not threading.main_thread().is_alive():  # no exit waits for us
                return b""
            if not waiting.poll(min(left_s, LOOK_S) * 1_000):
                continue
            part = os.read(handle, min(size - len(found), CHUNK_BYTES))
            if not part:
                return b""
            found += part
        return bytes(found)

    def _ended(self) -> _EndedError:
        """Return what became of the process; it is ended where it goes on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        code = self._process.returncode
        return _EndedError("" if code is None or code == -TIME_OVER else f"it ended with {code}")

    def end(self) -> None:
        """Kill the process, whatever it is at, and let go of its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()


def _write(pipe: IO[bytes] | None, data: bytes) -> None:
    assert pipe is not None
    pipe.write(data)
    pipe.flush()


def _refusal(why: str, feed: FeedInfo, received_ns: int | None) -> ParsedFeed:
    if why:
        reject = refused(feed, "undecodable", f"no reader survives it: {why}", received_ns, "")
    else:
        reject = refused(feed, "too_slow", "it takes too long to read", received_ns, "")
    return ParsedFeed(rejects=(reject,))
