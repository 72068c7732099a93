"""Say which companies of the universe a headline speaks of, how surely, and by what evidence."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from agents.scoring.aliases import Alias, Case, Rank, alias_table, scan_form
from agents.scoring.naming import (
    CUES_AFTER,
    CUES_BEFORE,
    LEGAL_ENDINGS,
    NOT_AFTER,
    NOT_BEFORE,
    TRADE_ENDINGS,
)
from agents.scoring.symbols import SymbolIndex
from agents.scoring.text import Title, prefix_length
from streams.events import Issuer

# Relevance by tier, from the guide's attribution formula (after RavenPack's 0-100 scale).
WRITTEN_OUT = 1.0
SUBJECT = 0.9
PRODUCT = 0.7
MENTION = 0.6
UNSURE = 0.4  # factor of an ambiguous name without a cue
LEAST = 0.3  # less relevant claims are not links
CROWD = 3  # above so many companies relevance is shared
SUBJECT_WORDS = 4  # a subject stands within the title's first words
SENTENCE_CASE = 0.3  # share of lower-case words that makes capitals meaningful

_TITLE_WORDS = frozenset(
    "of with from by against on in to for at over vs and about into between near than as after"
    " amid under like via per since before".split()
)
_IN_ADDRESS = frozenset("@_/")  # before a word these make it part of an address or a handle
_OWNED = {"owned": PRODUCT, "controlled": PRODUCT, "backed": MENTION, "funded": MENTION}


class Link(NamedTuple):
    """One linked company; `span` is its first words in the title, None for a vendor's symbol."""

    issuer: str
    order: int
    relevance: float
    evidence: tuple[str, ...]
    span: tuple[int, int] | None


class _Hit(NamedTuple):
    """A name of one issuer, at characters start to end."""

    start: int
    end: int
    alias: Alias


class _Claim(NamedTuple):
    """What one piece of evidence says of one issuer."""

    relevance: float
    evidence: str
    start: int
    end: int


def _is_edge(left: str, right: str) -> bool:
    """Tell whether a word may end between two characters; scripts without spaces always may."""
    if not left or not right or not (left.isalnum() and right.isalnum()):
        return True
    return left >= "\u2e80" or right >= "\u2e80"


class Linker:
    """Find a universe's companies in titles, by one pass over all their names."""

    def __init__(self, issuers: list[Issuer]) -> None:
        table = alias_table(issuers)
        self._ids = [issuer.issuer for issuer in issuers]
        self._owners = list(table.values())
        self._automaton = AhoCorasick(list(table)) if table else None
        self._symbols = SymbolIndex(issuers)

    def link(self, title: Title, symbols: tuple[str, ...] = ()) -> list[Link]:
        """Return one link per company, in the universe's order."""
        claims: dict[int, list[_Claim]] = {}
        for symbol in symbols:
            issuer = self._symbols.resolve(symbol)
            if issuer is not None:
                claim = _Claim(WRITTEN_OUT, f"vendor:{symbol}", -1, -1)
                claims.setdefault(issuer, []).append(claim)
        for found in self._symbols.find(title.text):
            claim = _Claim(WRITTEN_OUT, found.evidence, found.start, found.end)
            claims.setdefault(found.issuer, []).append(claim)
        hits = self._names(title)
        if hits:
            self._judge(title, hits, claims)
        return self._links(title, claims) if claims else []

    def _names(self, title: Title) -> list[_Hit]:
        """Return the names of the title, longest first at each place, none inside another."""
        if self._automaton is None:
            return []
        folded = scan_form(title.folded)
        spans = [
            (start, -end, number)
            for number, start, end in self._automaton.find_matches_as_indexes(folded, True)
            if _is_edge(folded[start - 1 : start], folded[start])
            and _is_edge(folded[end - 1], folded[end : end + 1])
            and folded[start - 1 : start] not in _IN_ADDRESS
        ]
        spans.sort()
        hits, reached = [], 0
        for start, minus_end, number in spans:
            if start < reached:
                continue
            taken = False
            for alias in self._owners[number]:
                if _case_fits(alias, title.text[start:-minus_end]):
                    hits.append(_Hit(start, -minus_end, alias))
                    taken = True
            reached = -minus_end if taken else reached
        return hits

    def _judge(self, title: Title, hits: list[_Hit], claims: dict[int, list[_Claim]]) -> None:
        """Turn names into claims; the sure ones first, since they vouch for the ambiguous."""
        starts = [token.start for token in title.tokens]
        prose = _is_prose(title)
        skip = prefix_length(title.text)
        subject_end = _subject_end(title, hits, starts, skip)
        for hit in sorted(hits, key=lambda hit: (hit.alias.ambiguous, hit.start)):
            factor = 1.0
            if hit.alias.ambiguous:
                factor = _trust(title, hit, starts, prose)
                if factor < 1.0 and any(
                    c.relevance >= 0.5 for c in claims.get(hit.alias.issuer, ())
                ):
                    factor = 1.0
            elif hit.alias.rank > Rank.given and _inside_hyphens(title, hit):
                continue
            elif hit.alias.rank >= Rank.short and not _stands_alone(title, hit, starts, prose):
                continue
            if factor == 0.0:
                continue
            claim = _claim(title, hit, hit.start < subject_end, factor, self._ids[hit.alias.issuer])
            if claim.relevance >= LEAST:
                claims.setdefault(hit.alias.issuer, []).append(claim)

    def _links(self, title: Title, claims: dict[int, list[_Claim]]) -> list[Link]:
        """Merge the claims of each issuer, in the universe's order."""
        share = math.sqrt(len(claims)) if len(claims) > CROWD else 1.0
        starts = [token.start for token in title.tokens]
        links = []
        for issuer in sorted(claims):
            own = claims[issuer]
            relevance = round(max(claim.relevance for claim in own) / share, 6)
            evidence = tuple(dict.fromkeys(claim.evidence for claim in own))
            placed = [claim for claim in own if claim.start >= 0]
            span = None
            if placed:
                first = min(placed, key=lambda claim: claim.start)
                span = _token_span(starts, first.start, first.end)
            links.append(Link(self._ids[issuer], issuer, relevance, evidence, span))
        return links


def _token_span(starts: list[int], start: int, end: int) -> tuple[int, int]:
    """Return the tokens that characters start to end cover."""
    first = bisect_left(starts, start)
    return first, max(bisect_left(starts, end), first + 1)


def _case_fits(alias: Alias, written: str) -> bool:
    """Tell whether the letters of a match look as the alias demands."""
    if alias.case == Case.free:
        return True
    if alias.case == Case.upper:
        return written.isupper()
    return any(char.isupper() or char.isdigit() for char in written)


def _is_prose(title: Title) -> bool:
    """Tell whether the title is in sentence case, so that a capital means a name."""
    words = [title.text[t.start] for t in title.tokens if len(t.text) > 3 and t.text[0].isalpha()]
    return sum(char.islower() for char in words) >= SENTENCE_CASE * len(words) and bool(words)


def _words_around(title: Title, hit: _Hit, starts: list[int]) -> tuple[int, int, str, str]:
    """Return the match's token span and the words before and after it."""
    first, last = _token_span(starts, hit.start, hit.end)
    before = title.words[first - 1] if first else ""
    after = title.words[last] if last < len(title.words) else ""
    if title.folded[hit.end : hit.end + 2] == "'s":
        after = "'s"
    return first, last, before, after


def _part_of_longer_name(title: Title, last: int, first: int, prose: bool) -> bool:
    """Tell whether another capitalised word adjoins, as in `Express Scripts`."""
    if not prose:
        return False
    for at in (last, first - 1):
        if 0 <= at < len(title.tokens) and (at != 0 or at == last):
            token = title.tokens[at]
            capital = title.text[token.start].isupper()
            if capital and token.text not in CUES_AFTER and token.text not in LEGAL_ENDINGS:
                if token.text not in CUES_BEFORE and token.text not in _TITLE_WORDS:
                    return True
    return False


def _trust(title: Title, hit: _Hit, starts: list[int], prose: bool) -> float:
    """Return how far an ambiguous name may be believed: 1 with a cue, UNSURE, or 0."""
    first, last, before, after = _words_around(title, hit, starts)
    word = title.folded[hit.start : hit.end]
    if after in NOT_BEFORE.get(word, ()) or before in NOT_AFTER.get(word, ()):
        return 0.0
    if after in LEGAL_ENDINGS and after not in ("a", "as", "de", "in", "the", "new"):
        return 1.0
    if prose and after in TRADE_ENDINGS and title.text[title.tokens[last].start].isupper():
        return 1.0 if hit.alias.rank <= Rank.whole else 0.0
    if _part_of_longer_name(title, last, first, prose):
        return 0.0
    if after in CUES_AFTER or before in CUES_BEFORE:
        return 1.0
    if before == "of" and first >= 2 and title.words[first - 2] in ("shares", "ceo", "unit"):
        return 1.0
    if prose and hit.alias.rank <= Rank.whole and (first > 0 or hit.alias.rank == Rank.given):
        return UNSURE
    return 0.0


def _inside_hyphens(title: Title, hit: _Hit) -> bool:
    """Tell whether the match is one half of a double name: `Sherwin-Williams`."""
    before = title.text[max(hit.start - 2, 0) : hit.start]
    after = title.text[hit.end : hit.end + 2]
    left = before.endswith("-") and before[0].isalpha()
    return left or (after.startswith("-") and after[1:].isupper())


def _stands_alone(title: Title, hit: _Hit, starts: list[int], prose: bool) -> bool:
    """Refuse a first word that opens somebody else's longer name."""
    first, last, _, after = _words_around(title, hit, starts)
    if after == "'s" or last >= len(title.tokens) or after[:1] in hit.alias.initials:
        return True
    return not _part_of_longer_name(title, last, first, prose)


def _subject_end(title: Title, hits: list[_Hit], starts: list[int], skip: int) -> int:
    """Return the character up to which names are the title's subject.

    The first name is the subject where it stands among the first words with no preposition
    before it (`shares of` apart); names joined to it by commas, `and` or `&` are subjects too.
    """
    reach = -1
    for hit in hits:
        first, _ = _token_span(starts, hit.start, hit.end)
        lead = [t for t in title.tokens[:first] if t.start >= skip]
        if reach < 0:
            texts = [token.text for token in lead]
            plain = not any(text in _TITLE_WORDS for text in texts)
            if len(texts) <= SUBJECT_WORDS and (plain or texts[-2:] == ["shares", "of"]):
                reach = hit.end
            else:
                return 0
        else:
            between = title.folded[reach : hit.start].replace("'s", "").strip()
            if between not in (",", "and", "&", ", and", "/", ""):
                return reach
            reach = hit.end
    return max(reach, 0)


def _claim(title: Title, hit: _Hit, subject: bool, factor: float, issuer: str) -> _Claim:
    """Weigh one believed name."""
    alias = hit.alias
    written = title.text[hit.start : hit.end]
    relevance = SUBJECT if subject else MENTION
    evidence = f"alias:{written}"
    owned = title.folded[hit.end : hit.end + 12].lstrip("-").split(" ")[0]
    if alias.product:
        relevance, evidence = PRODUCT, f"product:{written} via {issuer}"
    elif title.folded[hit.end : hit.end + 1] == "-" and owned in _OWNED:
        relevance, evidence = _OWNED[owned], f"alias:{written} via {owned}"
    if factor < 1.0:
        evidence += " unsure"
    return _Claim(relevance * factor, evidence, hit.start, hit.end)
