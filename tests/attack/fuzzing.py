"""Fuzzed lines, documents and records, by the hundred thousand, through the public reading functions."""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import random
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from streams.events import Reject
from tests.attack.bounds import TooLongError, seconds
from tests.attack.referee import one_line

KINDS: Final = ("fuzz-lines", "fuzz-documents", "fuzz-records", "fuzz-histories")
BATCH: Final = 200  # inputs under one alarm: setting it costs more than reading a line
REASON: Final = re.compile(r"[a-z][a-z0-9_]{2,40}")
SHOWN: Final = 20
EXAMPLE: Final = 900  # characters of an input that are printed

# Reads one input and returns the rejects of it; raises where something must not be.
Read = Callable[[bytes], Iterable[Reject]]


class Driver(NamedTuple):
    """One kind of fuzzing, fresh for each process."""

    make: Callable[[random.Random], bytes]
    read: Read
    limit_s: float  # for one input
    explain: Callable[[bytes, str], str] | None = None  # an input and its fault, at its smallest


class Tally(NamedTuple):
    """What became of many inputs."""

    inputs: int
    rejects: Counter[str]
    faults: Counter[str]  # a fault by its place
    examples: dict[str, str]  # the shortest input of each
    seconds: float


def run(what: str, count: int, seed: int, jobs: int, *, as_json: bool) -> int:
    """Fuzz, print what was found, and return 1 where anything raised, hung or had no name."""
    shares = [count // jobs + (n < count % jobs) for n in range(jobs)]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        tallies = pool.starmap(fuzz, [(what, n, seed + i) for i, n in enumerate(shares)])
    whole = _joined(tallies)
    if as_json:
        plain = {"kind": what, "inputs": whole.inputs, "seconds": round(whole.seconds, 1)}
        print(json.dumps({**plain, "rejects": whole.rejects, "faults": whole.faults, "examples": whole.examples}))  # fmt: skip
    else:
        _print(what, whole)
    return 1 if whole.faults else 0


def _print(what: str, tally: Tally) -> None:
    rate = tally.inputs / max(tally.seconds, 1e-9)
    print(f"{what}: {tally.inputs:,} inputs in {tally.seconds:.0f} s ({rate:,.0f} a second)")
    print("  rejects: " + ", ".join(f"{k} {n:,}" for k, n in tally.rejects.most_common(SHOWN)))
    for fault, number in tally.faults.most_common(SHOWN):
        print(f"  BROKEN {number:,} x {fault}\n         {one_line(tally.examples[fault], EXAMPLE)}")
    if not tally.faults:
        print("  held: nothing raised, nothing took too long, every reject has a reason")


def fuzz(what: str, count: int, seed: int) -> Tally:
    """Fuzz in this process; it must be the main thread."""
    faulthandler.enable()
    driver, chance = driver_of(what), random.Random(seed)
    rejects, faults, examples = Counter[str](), Counter[str](), dict[str, str]()
    began_s = time.monotonic()
    left = count
    while left > 0:
        batch = [driver.make(chance) for _ in range(min(BATCH, left))]
        left -= len(batch)
        for data, fault in _faults(driver, batch, rejects):
            faults[fault] += 1
            if driver.explain is None:
                examples[fault] = min(repr(data), examples.get(fault, repr(data)), key=len)
            elif fault not in examples:
                examples[fault] = driver.explain(data, fault)
    return Tally(count, rejects, faults, examples, time.monotonic() - began_s)


def _faults(
    driver: Driver, batch: list[bytes], rejects: Counter[str]
) -> Iterable[tuple[bytes, str]]:
    """Read a batch; yield each input that broke something, and what."""
    at, begun_s = 0, 0.0
    while at < len(batch):
        try:
            with seconds(driver.limit_s):
                while at < len(batch):
                    begun_s = time.monotonic()
                    rejects.update(named(driver.read(batch[at])))
                    at += 1
        except TooLongError as fault:
            # the alarm is of all that were read under it: this one may be begun again
            if time.monotonic() - begun_s > driver.limit_s / 2:
                yield batch[at], f"{fault}"
                at += 1
        except Exception as fault:  # noqa: BLE001 - any fault is what is looked for
            yield batch[at], placed(fault)
            at += 1


def placed(fault: Exception) -> str:
    """Return the fault with the place of ours in which it was raised."""
    frames = traceback.extract_tb(fault.__traceback__)
    own = [x for x in frames if "/agents/" in x.filename or "/streams/" in x.filename] or frames
    text = re.sub(r"\d{5,}|h\d@[\w.]+", "N", str(fault))[:120]
    return one_line(
        f"{type(fault).__name__}: {text} ({Path(own[-1].filename).name}:{own[-1].lineno})"
    )


def named(rejects: Iterable[Reject]) -> list[str]:
    """Return the reasons; AssertionError where one is none."""
    reasons = [each.reason for each in rejects]
    assert all(map(REASON.fullmatch, reasons)), f"a reject without a reason: {reasons}"
    return reasons


def driver_of(what: str) -> Driver:
    """Return a driver, made anew."""
    from tests.attack import fuzz_documents, fuzz_lines, fuzz_records, histories

    makers = (fuzz_lines.driver, fuzz_documents.driver, fuzz_records.driver, histories.driver)
    return dict(zip(KINDS, makers, strict=True))[what]()


def _joined(tallies: list[Tally]) -> Tally:
    rejects, faults, examples = Counter[str](), Counter[str](), dict[str, str]()
    for each in tallies:
        rejects += each.rejects
        faults += each.faults
        for fault, shown in each.examples.items():
            examples[fault] = min(shown, examples.get(fault, shown), key=len)
    longest = max(each.seconds for each in tallies)
    return Tally(sum(each.inputs for each in tallies), rejects, faults, examples, longest)
