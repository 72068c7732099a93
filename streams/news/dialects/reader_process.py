"""The other end of a reader: documents come on standard input, what they hold goes out."""

from __future__ import annotations

import os
import pickle
import signal
import sys

from streams.news.dialects.readers import READY, SIZE_BYTES
from streams.news.dialects.registry import read_document


def serve() -> None:
    """Read documents until standard input ends.

    A document that takes more than its processor time ends the process (SIGPROF, setitimer(2)):
    nothing else stops a scan within C, and a run that was killed leaves nothing behind that works on.
    """
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nobody else writes among the answers
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # who began us has ended: so do we
    answers.write(READY)
    answers.flush()
    while size := source.read(SIZE_BYTES):
        job = source.read(int.from_bytes(size, "big"))
        data, feed, received_ns, cpu_s = pickle.loads(job)  # noqa: S301 -- by who began us
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        parsed = read_document(data, feed, received_ns)
        signal.setitimer(signal.ITIMER_PROF, 0)
        body = pickle.dumps(parsed, pickle.HIGHEST_PROTOCOL)
        answers.write(len(body).to_bytes(SIZE_BYTES, "big") + body)
        answers.flush()
