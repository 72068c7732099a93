"""Clean a title and cut it into tokens once, for every reader in this room.

Positions are code points of the cleaned title. The folded title has exactly the cleaned
title's length, so that a match in one can be read back in the other.
"""

from __future__ import annotations

import html
import re
import unicodedata

_ENTITY = re.compile(r"&(#?\w{1,31});")
_SPACE = re.compile(r"\s+")
_SPLIT_DECIMAL = re.compile(r"(?<=\d) \.(?=\d)")  # "EUR0 .5 m", as tokenised texts have it
_TOKEN = re.compile(
    r"(?:q[1-4]|h[12]|fy\d\d(?:\d\d)?)(?![^\W_])"  # a quarter, a half, a fiscal year
    r"|\d+(?:[.,]\d+)*(?:st|nd|rd|th)?"  # a number, its groups and decimals
    r"|[^\W\d_]+(?:['&.][^\W_]+)*"  # a word: AT&T, Q4's letter, O'Reilly, u.s
    r"|[%$;,:!?()]|(?<=\s)-+(?=\s)"  # signs; a dash only where it stands alone
)
_PREFIX = re.compile(
    r"^(?:(?:UPDATE|WRAPUP|REFILE|CORRECTED|CORRECTION|RPT|REPEAT|BRIEF|TABLE|INSIGHT|ANALYSIS"
    r"|FACTBOX|EXCLUSIVE|SPECIAL REPORT|FEATURE|TEXT|TIMELINE|NEWSMAKER|ADVISORY|PREVIEW|DEALTALK"
    r"|COLUMN|POLL|Exclusive|Insight|Analysis|Factbox|Update|Correction|Breaking|BREAKING"
    r"|ALERT|URGENT|FLASH)\s*\d*\s*[-:]\s*)+"
)
# What stands at the tail of a syndicated title: " - Reuters", " | CNBC", ": WSJ", "-sources".
_SOURCES = frozenset(
    source.strip()
    for source in """reuters|bloomberg|cnbc|wsj|ft|ap|afp|marketwatch|barron's|yahoo finance|seeking alpha|benzinga
    |forbes|business insider|the motley fool|dow jones|financial times|wall street journal|nyt|bbc
    |cnn|xinhua|kyodo|nikkei|scmp|source|sources|source says|paper|papers|report|reports|media|tv
    |official|officials|aide|minister|newspaper|magazine|agency|radio|google news|msn
    |the wall street journal|the new york times|investor's business daily|globenewswire|zacks
    |prnewswire|pr newswire|business wire|associated press|yahoo""".split("|")
)
_TAIL_LENGTH = 30
_QUOTES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2010": "-",
        "\u2011": "-",
        "\u00ad": "",
        "\u200b": "",
        "\ufeff": "",
    }
)


def _entity(match: re.Match[str]) -> str:
    """Decode a real HTML entity; mend an ampersand that was taken for one (`S&P; 500`)."""
    decoded = html.unescape(match.group())
    return decoded if decoded != match.group() else "&" + match.group(1)


def clean(title: str) -> str:
    """Return the title with entities mended, quotes and dashes plain and spaces single."""
    if "&" in title:
        title = _ENTITY.sub(_entity, title)
    if not title.isascii():
        # Lone surrogates cannot be encoded, and so neither hashed nor matched.
        title = title.encode("utf-8", "replace").decode("utf-8").translate(_QUOTES)
    if " ." in title:
        title = _SPLIT_DECIMAL.sub(".", title)
    return _SPACE.sub(" ", title).strip()


def _fold_char(char: str) -> str:
    """Lower one character and drop its accent, never changing the length."""
    base = unicodedata.normalize("NFD", char)[:1].lower()
    return base if len(base) == 1 else char


def fold(text: str) -> str:
    """Return lower case without accents, of the same length."""
    if text.isascii():
        return text.lower()
    return "".join(char if "\u2e80" <= char <= "\uffff" else _fold_char(char) for char in text)


def strip_wire(title: str) -> str:
    """Drop what a wire adds around a title: `UPDATE 2-`, `RPT-`, ` - Reuters`."""
    bare = _PREFIX.sub("", title)
    at = max(bare.rfind("-"), bare.rfind("|"), bare.rfind(":"))
    if at > 0 and len(bare) - at <= _TAIL_LENGTH and bare[at + 1 :].strip().lower() in _SOURCES:
        bare = bare[:at].rstrip(" -")
    return bare or title


def prefix_length(title: str) -> int:
    """Return how many characters of a wire's prefix open the title."""
    match = _PREFIX.match(title)
    return match.end() if match else 0


class Title:
    """A title prepared for all readers of this room; `starts` places each word in it."""

    __slots__ = ("_starts", "folded", "text", "words")

    def __init__(self, text: str, folded: str, words: list[str]) -> None:
        self.text = text
        self.folded = folded
        self.words = words
        self._starts: list[int] | None = None

    @property
    def starts(self) -> list[int]:
        """Return where each word starts, found when first asked for: most titles name nobody."""
        if self._starts is None:
            self._starts = [match.start() for match in _TOKEN.finditer(self.folded)]
        return self._starts


def prepare(title: str) -> Title:
    """Clean and fold a title and cut it into words, numbers and the signs that carry meaning."""
    text = clean(title)
    folded = fold(text)
    return Title(text, folded, _TOKEN.findall(folded))
