"""The tokens by which two titles are compared: words without endings, numbers, CJK characters."""

from __future__ import annotations

import functools
import re

from agents.scoring.text import clean, fold, strip_wire

_WORD = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_][^\W_]*(?:[&'.][^\W_]+)*|%")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STOP = frozenset(
    "a an the of to in on for and or as at by with from is are was were be been its it s after"
    " over says say said sees amid this that will has have had u us new but not than their his"
    " her our your who which into out up".split()
)
_SAME = {
    "mln": "million",
    "bln": "billion",
    "bn": "billion",
    "tln": "trillion",
    "pct": "%",
    "percent": "%",
    "stg": "pound",
    "govt": "government",
    "centres": "center",
    "centers": "center",
    "vs": "versus",
    "qtr": "quarter",
    "qtrly": "quarter",
    "quarterly": "quarter",
    "yr": "year",
}
_ENDINGS = ("ings", "ing", "ies", "ed", "es", "s")


@functools.lru_cache(maxsize=50_000)
def _content(word: str) -> str:
    """Return the token that stands for a word, empty for a stop word."""
    word = word.removesuffix("'s").replace(",", "")
    word = _SAME.get(word, word)
    return "" if word in _STOP else _stem(word)


def _stem(word: str) -> str:
    """Cut a common English ending, keeping at least three letters."""
    for ending in _ENDINGS if word[-1] in "sgd" else ():
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def story_tokens(title: str) -> tuple[str, ...]:
    """Return a title's content tokens, sorted, without what wires add and stop words."""
    folded = fold(strip_wire(clean(title))).replace("u.s.", "us").replace("u.k.", "uk")
    found = set(map(_content, _WORD.findall(folded)))
    found.discard("")
    found.update(_CJK.findall(folded) if not folded.isascii() else ())
    return tuple(sorted(found)) or (folded,)
