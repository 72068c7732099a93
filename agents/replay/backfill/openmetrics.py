"""An OpenMetrics file of timestamped samples, written family by family with bounded memory.

Families must not be interleaved, nor the series of one; times rise within a series, for promtool
drops what runs back without a word. So each family is a part of its own until the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, Final, Self

from agents.metrics.declared import DECLARED, PREFIX
from agents.metrics.exposition import label
from streams.files import replacing

ALERTS: Final = "ALERTS"  # Prometheus's own series of what fires
_ALERTS_HEAD: Final = "# HELP ALERTS Alerts that were open.\n# TYPE ALERTS gauge\n"
Number = int | float


class OpenMetricsFile:
    """The file; it is there, whole, once the block that writes it has ended well.

    Metrics go by their names in `metrics.DECLARED`; `common` are labels of every series.
    """

    def __init__(self, path: Path, parts: Path, common: dict[str, str]) -> None:
        """`parts` is an empty folder."""
        self._path, self._folder, self._common = path, parts, common
        self._parts: dict[str, BinaryIO] = {}
        self.samples = self.series = 0
        self._first_s: int | None = None
        self._last_s = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for part in self._parts.values():
            part.close()
        if kind is None:
            self._join()

    @property
    def span_s(self) -> tuple[int, int]:
        """Return the first and the last time of all samples."""
        return self._first_s or 0, self._last_s

    def write(
        self, name: str, labels: dict[str, str], times_s: Sequence[int], values: Iterable[Number]
    ) -> None:
        """Write a series of a gauge or a counter; `times_s` rise."""
        suffix = "_total" if name != ALERTS and DECLARED[name].kind == "counter" else ""
        head = self._sample(name, suffix, labels)
        lines = [f"{head}{value} {at}\n" for at, value in zip(times_s, values, strict=True)]
        self._put(name, lines, 1, times_s)

    def write_histogram(
        self,
        name: str,
        labels: dict[str, str],
        times_s: Sequence[int],
        counts: Sequence[Sequence[int]],
        sums: Sequence[float],
    ) -> None:
        """Write a histogram; of each time the cumulative counts of its buckets, +Inf last."""
        ends = [*map(str, map(float, DECLARED[name].buckets)), "+Inf"]
        heads = [self._sample(name, "_bucket", {**labels, "le": end}) for end in ends]
        count, total = (self._sample(name, suffix, labels) for suffix in ("_count", "_sum"))
        lines = []
        for at, row, seconds in zip(times_s, counts, sums, strict=True):
            lines += [f"{head}{value} {at}\n" for head, value in zip(heads, row, strict=True)]
            lines += [f"{count}{row[-1]} {at}\n", f"{total}{seconds} {at}\n"]
        self._put(name, lines, len(ends) + 2, times_s)

    def _sample(self, name: str, suffix: str, labels: dict[str, str]) -> str:
        known = label(**self._common, **labels)
        return f"{_full(name)}{suffix}{{{known}}} "

    def _put(self, name: str, lines: list[str], series: int, times_s: Sequence[int]) -> None:
        if not times_s:
            return
        part = self._parts.get(name)
        if part is None:
            part = self._parts[name] = (self._folder / name).open("wb")
        part.write("".join(lines).encode())
        self.samples += len(lines)
        self.series += series
        self._first_s = min(times_s[0], times_s[0] if self._first_s is None else self._first_s)
        self._last_s = max(self._last_s, times_s[-1])

    def _join(self) -> None:
        with replacing(self._path, durable=False) as fresh, fresh.open("wb") as whole:
            for name in sorted(self._parts):
                whole.write(_head(name).encode())
                with (self._folder / name).open("rb") as part:
                    copyfileobj(part, whole, 2**20)
            whole.write(b"# EOF\n")


def _full(name: str) -> str:
    return name if name == ALERTS else f"{PREFIX}_{name}"


def _head(name: str) -> str:
    if name == ALERTS:
        return _ALERTS_HEAD
    declared = DECLARED[name]
    return f"# HELP {_full(name)} {declared.help}\n# TYPE {_full(name)} {declared.kind}\n"
