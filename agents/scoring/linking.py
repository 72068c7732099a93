"""Say which companies of the universe a headline speaks of, how surely, and by what evidence."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from agents.scoring.aliases import Alias, LetterCase, Rank, alias_table, scan_form
from agents.scoring.naming import CREDIT, PREPOSITIONS, PROSPECTS, RATED, RATERS, RATES
from agents.scoring.symbols import SymbolIndex
from agents.scoring.text import Title, prefix_length
from agents.scoring.trust import (
    ANOTHER_NAME,
    PLAIN_NAME,
    VOUCHED_FOR,
    Hit,
    Trust,
    is_prose,
    names_another,
    trust_ambiguous,
    trust_derived,
    word_span,
)
from streams.events import Issuer

# Relevance by tier, from the guide's attribution formula (after RavenPack's 0-100 scale).
WRITTEN_OUT = 1.0
SUBJECT = 0.9
PRODUCT = 0.7
MENTION = 0.6
HOUSE = 0.3  # the one who rates another company; the guide's weight of a peer
LEAST = 0.3  # less relevant claims are not links
ROLE = "role:analyst"  # evidence that the company only rates another
CROWD = 3  # above so many companies relevance is shared
SUBJECT_WORDS = 4  # a subject stands within the title's first words

_IN_ADDRESS = frozenset("@_/")  # before a word these make it part of an address or a handle
_OWNED = {"owned": PRODUCT, "controlled": PRODUCT, "backed": MENTION, "funded": MENTION}
_TAGS = frozenset("update text rpt corrected correction official to release - : , brief".split())
_JOINTS = frozenset((",", "and", "&", ", and", "/", ""))


class IssuerLink(NamedTuple):
    """One linked company; `span` is its first words in the title, None for a vendor's symbol."""

    issuer: str
    order: int
    relevance: float
    evidence: tuple[str, ...]
    span: tuple[int, int] | None


class Refusal(NamedTuple):
    """A name or symbol that was not linked, and why; `issuer` "" = nobody of the universe."""

    issuer: str
    written: str
    reason: str


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

    def link(
        self, title: Title, symbols: tuple[str, ...] = (), refused: list[Refusal] | None = None
    ) -> list[IssuerLink]:
        """Return one link per company, in the universe's order; what is not linked goes to `refused`."""
        claims: dict[int, list[_Claim]] = {}
        written: list[tuple[int, int]] = []
        for symbol in symbols:
            issuer = self._symbols.resolve(symbol)
            if issuer is not None:
                claim = _Claim(WRITTEN_OUT, f"vendor:{symbol}", -1, -1)
                claims.setdefault(issuer, []).append(claim)
            elif refused is not None:
                refused.append(Refusal("", symbol, "unknown_symbol"))
        for found in self._symbols.find(title.text):
            relevance = SUBJECT if found.evidence.startswith("ticker:") else WRITTEN_OUT
            claim = _Claim(relevance, found.evidence, found.start, found.end)
            claims.setdefault(found.issuer, []).append(claim)
            written.append((found.start, found.end))
        hits = self._names(title, refused)
        if written:
            hits = [hit for hit in hits if not any(a <= hit.start < b for a, b in written)]
        if hits:
            self._judge(title, hits, claims, refused)
        return self._links(title, claims) if claims else []

    def _names(self, title: Title, refused: list[Refusal] | None) -> list[Hit]:
        """Return the names of the title, longest first at each place, none inside another."""
        if self._automaton is None:  # a universe without names
            return []
        folded = scan_form(title.folded)
        spans = [
            (start, -end, number)
            for number, start, end in self._automaton.find_matches_as_indexes(
                folded, overlapping=True
            )
            if _is_edge(folded[start - 1 : start], folded[start])
            and _is_edge(folded[end - 1], folded[end : end + 1])
            and folded[start - 1 : start] not in _IN_ADDRESS
        ]
        spans.sort()
        hits, reached = [], 0
        for start, minus_end, number in spans:
            if start < reached:  # inside a longer name
                continue
            taken = False
            for alias in self._owners[number]:
                written = title.text[start:-minus_end]
                if _case_fits(alias, written):
                    hits.append(Hit(start, -minus_end, alias))
                    taken = True
                elif refused is not None:
                    refused.append(Refusal(self._ids[alias.issuer], written, "letter_case"))
            reached = -minus_end if taken else reached
        return hits

    def _judge(
        self,
        title: Title,
        hits: list[Hit],
        claims: dict[int, list[_Claim]],
        refused: list[Refusal] | None,
    ) -> None:
        """Turn names into claims; the sure ones first, since they vouch for the ambiguous."""
        prose = is_prose(title)
        subject_end = _subject_end(title, hits)
        for hit in sorted(hits, key=lambda hit: (hit.alias.ambiguous, hit.start)):
            issuer = hit.alias.issuer
            trust = _trusted(title, hit, prose=prose, vouched=issuer in claims)
            if not trust.share:
                self._refuse(title, hit, trust.reason, refused)
                continue
            relevance, evidence = _weighed(title, hit, self._ids[issuer])
            # a company that only owns the product, or half of somebody, is not the subject
            if hit.start < subject_end and relevance == MENTION and " via " not in evidence:
                relevance = SUBJECT
            if trust.share < 1.0:
                relevance, evidence = relevance * trust.share, evidence + " unsure"
            if relevance < LEAST:
                self._refuse(title, hit, f"{trust.reason}, too_weak", refused)
                continue
            claim = _Claim(relevance, evidence, hit.start, hit.end)
            claims.setdefault(issuer, []).append(claim)

    def _refuse(self, title: Title, hit: Hit, reason: str, refused: list[Refusal] | None) -> None:
        if refused is not None:
            written = title.text[hit.start : hit.end]
            refused.append(Refusal(self._ids[hit.alias.issuer], written, reason))

    def _links(self, title: Title, claims: dict[int, list[_Claim]]) -> list[IssuerLink]:
        """Merge the claims of each issuer, in the universe's order."""
        share = math.sqrt(len(claims)) if len(claims) > CROWD else 1.0
        links = []
        for issuer in sorted(claims):
            own = claims[issuer]
            relevance = round(max(claim.relevance for claim in own) / share, 6)
            evidence = tuple(dict.fromkeys(claim.evidence for claim in own))
            placed = [claim for claim in own if claim.start >= 0]
            span = None
            if placed:
                first = min(placed, key=lambda claim: claim.start)
                span = word_span(title, first.start, first.end)
                if (
                    _speaks(title.words, span)
                    or _judges(title.words, span)
                    or (len(claims) > 1 and _rates_another(title.words, span))
                ):
                    relevance, evidence = min(relevance, HOUSE), (*evidence, ROLE)
            links.append(IssuerLink(self._ids[issuer], issuer, relevance, evidence, span))
        return links


def _trusted(title: Title, hit: Hit, *, prose: bool, vouched: bool) -> Trust:
    """Return the trust in a name; `vouched`: the same company is named more surely elsewhere."""
    if hit.alias.ambiguous:
        trust = trust_ambiguous(title, hit, prose=prose)
        return VOUCHED_FOR if vouched and trust.share < 1.0 else trust
    if hit.alias.rank == Rank.given:
        return ANOTHER_NAME if names_another(title, hit) else PLAIN_NAME
    return trust_derived(title, hit, prose=prose)


def _speaks(words: list[str], span: tuple[int, int]) -> bool:
    """Tell whether the company only rates or judges somebody else: `Moody's affirms Acme's Baa2`."""
    after = words[span[1] : span[1] + 1]
    lead = all(word in _TAGS for word in words[: span[0]])
    if not after or not lead:
        return False
    beyond = words[span[1] :]
    rated = not CREDIT.isdisjoint(beyond) or any(
        word == "outlook" and bool(PROSPECTS.intersection(beyond[i + 1 : i + 3]))
        for i, word in enumerate(beyond)
    )
    if after[0] == ":":  # `Update-Moody's: Acme's results meet expectations`
        return rated or span[0] > 0
    return after[0] in RATERS and rated


def _judges(words: list[str], span: tuple[int, int]) -> bool:
    """Tell whether the company stands behind a colon as the broker: `Acme: JPMorgan raises target`."""
    told = span[0] > 1 and words[span[0] - 1] == ":"
    return told and words[span[1] : span[1] + 1] != [] and words[span[1]] in RATES


def _rates_another(words: list[str], span: tuple[int, int]) -> bool:
    """Tell whether the company is the broker of an analyst's call: `JPMorgan upgrades ...`."""
    after = words[span[1] : span[1] + 1]
    if not after or after[0] not in RATES:
        return False
    return after[0] in ("upgrades", "downgrades") or not RATED.isdisjoint(words[span[1] :])


def _case_fits(alias: Alias, written: str) -> bool:
    """Tell whether the letters of a match look as the alias demands."""
    if alias.case == LetterCase.free:
        return True
    if alias.case == LetterCase.upper:
        return written.isupper()
    return any(char.isupper() or char.isdigit() for char in written)


def _subject_end(title: Title, hits: list[Hit]) -> int:
    """Return the character up to which names are the title's subject, 0 where none is.

    The first name is the subject where it stands among the first words with no preposition
    before it (`shares of` apart); names joined to it by commas, `and` or `&` are subjects too.
    """
    lead = title.words[bisect_left(title.starts, prefix_length(title.text)) :]
    skipped = len(title.words) - len(lead)
    first = word_span(title, hits[0].start, hits[0].end)[0]
    lead = lead[: max(first - skipped, 0)]
    plain = PREPOSITIONS.isdisjoint(lead) or lead[-2:] == ["shares", "of"]
    if len(lead) > SUBJECT_WORDS or not plain:
        return 0
    reach = hits[0].end
    for hit in hits[1:]:
        between = title.folded[reach : hit.start].replace("'s", "").strip()
        if between not in _JOINTS:
            break
        reach = max(reach, hit.end)
    return reach


def _weighed(title: Title, hit: Hit, issuer: str) -> tuple[float, str]:
    """Return a name's relevance, as if it were no subject, and its evidence."""
    written = title.text[hit.start : hit.end]
    if hit.alias.product:
        return PRODUCT, f"product:{written} via {issuer}"
    owned = title.folded[hit.end : hit.end + 12].lstrip("-").split(" ")[0]
    if title.folded[hit.end : hit.end + 1] == "-" and owned in _OWNED:
        return _OWNED[owned], f"alias:{written} via {owned}"
    return MENTION, f"alias:{written}"
