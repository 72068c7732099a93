"""Compare the causes that a replay's alerts name with labels: `newsquake eval causes DIR OUT`.

`DIR/moves.jsonl` has a row a move, with the ids of every headline that states its cause; a candidate
is right if its headline id, its key or the end of its address is among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from agents.evaluation.agreement import Row
from agents.evaluation.labelled import read_rows
from agents.reacting.sentence import NAMED_SHARE
from streams.errors import InputError, RecordError
from streams.events import Alert

MOVES: Final = "moves.jsonl"
ALERTS: Final = "alerts.jsonl"
MACRO: Final = "macro_sector"  # a kind whose cause is the market's or the sector's
DOUBTFUL: Final = "low"  # a confidence at which nobody can say that there was no cause
BINS: Final = 5  # of the calibration: 0 to .2, .2 to .4, ...


class LabelledMove(msgspec.Struct, frozen=True, kw_only=True):
    """A row of moves.jsonl; other keys are for its readers."""

    symbol: str  # SYMBOL.MIC
    trade_date: str
    direction: str
    causes: tuple[str, ...] = ()
    in_feed: bool = True
    kind: str = "other"
    confidence: str = "high"

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what its alert is found by."""
        return self.symbol, self.trade_date, self.direction


class Judged(NamedTuple):
    """A labelled move and the alert that was raised at it, if there was one."""

    move: LabelledMove
    alert: Alert | None
    rights: tuple[bool, ...]  # of each candidate

    @property
    def first_right(self) -> bool:
        """Tell whether the right cause stands first."""
        return self.rights[:1] == (True,)

    @property
    def first_share(self) -> float:
        """Return the share of the first candidate, 0 without one."""
        return self.alert.attribution.candidates[0].share if self.alert and self.rights else 0.0

    @property
    def named(self) -> bool:
        """Tell whether the sentence of the alert names a cause."""
        return self.first_share >= NAMED_SHARE

    @property
    def right_share(self) -> float:
        """Return the share of all right causes together."""
        if self.alert is None:
            return 0.0
        pairs = zip(self.alert.attribution.candidates, self.rights, strict=True)
        return sum(candidate.share for candidate, right in pairs if right)

    @property
    def common_share(self) -> float:
        """Return the share of the market and the sector."""
        why = self.alert.attribution if self.alert else None
        return why.market_share + why.sector_share if why else 0.0

    @property
    def common_right(self) -> bool:
        """Tell whether a right title stands behind the market's or the sector's share."""
        common = self.alert.attribution.market_candidates if self.alert else ()
        return any(states(self.move, story.headline_id, story.url) for story in common)


def evaluate_causes(folder: Path, out: Path) -> dict[str, Any]:
    """Return how right the causes of a replay's alerts are, by kind and by confidence of the label.

    InputError: `folder` has no labels, or `out` no alerts.
    """
    rows, skipped = read_rows(folder / MOVES, labelled_move)
    judged = judge(rows, alerts_in(out))
    kinds = {f"kind: {name}": members for name, members in _by(judged, lambda j: j.move.kind)}
    sure = {f"label: {n}": members for n, members in _by(judged, lambda j: j.move.confidence)}
    own = [each for each in judged if each.move.kind != MACRO]
    macro = [each for each in judged if each.move.kind == MACRO]
    groups = {"all": judged, "own": own, "macro": macro, **kinds, **sure}
    return {
        "groups": {name: _figures(members) for name, members in groups.items() if members},
        "calibration": _calibration(judged),
        **skipped.report(),
    }


def labelled_move(row: Row) -> LabelledMove:
    """Return a row as a move. RecordError: a key is missing or of another type."""
    try:
        return msgspec.convert(row, LabelledMove)
    except msgspec.ValidationError as fault:
        raise RecordError("label", str(fault)) from fault


def alerts_in(out: Path) -> dict[tuple[str, str, str], Alert]:
    """Return the alerts of a replay by listing, trade date and direction; of several the highest.

    InputError: there are none, or a line is no alert.
    """
    path, found = out / ALERTS, dict[tuple[str, str, str], Alert]()
    try:
        lines = path.read_bytes().splitlines()
    except OSError as fault:
        raise InputError(str(path), f"cannot be read: {fault.strerror}; name OUT of a replay") from fault  # fmt: skip
    for number, line in enumerate(lines, 1):
        try:
            alert = msgspec.json.decode(line, type=Alert)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise InputError(str(path), f"line {number} is no alert: {fault}") from fault
        key = (alert.listing, alert.trade_date, alert.direction)
        if key not in found or found[key].level_pct < alert.level_pct:
            found[key] = alert
    return found


def judge(moves: Iterable[LabelledMove], alerts: dict[tuple[str, str, str], Alert]) -> list[Judged]:
    """Put each move beside its alert."""
    return [_judged(move, alerts.get(move.key)) for move in moves]


def _judged(move: LabelledMove, alert: Alert | None) -> Judged:
    candidates = alert.attribution.candidates if alert else ()
    return Judged(move, alert, tuple(states(move, c.headline_id, c.url) for c in candidates))


def states(move: LabelledMove, headline_id: str, url: str) -> bool:
    """Tell whether a headline is among those that state a move's cause."""
    return any(headline_id == cause or (cause and url.endswith(cause)) for cause in move.causes)


def _by(
    judged: Sequence[Judged], name_of: Callable[[Judged], str]
) -> list[tuple[str, list[Judged]]]:
    groups = defaultdict(list)
    for each in judged:
        groups[name_of(each)].append(each)
    return sorted(groups.items())


def _figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the figures of a group; null where there is nothing to count."""
    there = [each for each in judged if each.move.in_feed]
    absent = [each for each in judged if not each.move.in_feed and each.move.confidence != DOUBTFUL]
    named = [each for each in judged if each.named]
    return {
        "moves": len(judged),
        "alerted": sum(each.alert is not None for each in judged),
        "in_feed": len(there),
        "found": _mean(any(each.rights) for each in there),
        "first_right": _mean(each.first_right for each in there),
        "first_right_and_named": _mean(each.first_right and each.named for each in there),
        "right_share": _mean(each.right_share for each in there),
        "wrong_named": _mean(each.named and not each.first_right for each in judged),
        "named_right": _mean(each.first_right for each in named),
        "honest": _mean(not each.named for each in absent),
        "market_share": _mean(each.common_share for each in judged),
        "market_title_right": _mean(each.common_right for each in there),
    }


def _mean(values: Iterable[float]) -> float | None:
    found = [*values]
    return round(sum(found) / len(found), 4) if found else None


def _calibration(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return, by bins of the first candidate's share, how often it is right."""
    bins: list[list[Judged]] = [[] for _ in range(BINS)]
    for each in judged:
        if each.rights:
            bins[min(int(each.first_share * BINS), BINS - 1)].append(each)
    return [
        {
            "from": round(number / BINS, 2),
            "to": round((number + 1) / BINS, 2),
            "moves": len(members),
            "mean_share": _mean(each.first_share for each in members),
            "right": _mean(each.first_right for each in members),
        }
        for number, members in enumerate(bins)
    ]
