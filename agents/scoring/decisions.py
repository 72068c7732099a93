"""Why a headline was linked to whom, or to nobody: for the log, worked out only when asked."""

from __future__ import annotations

from typing import NamedTuple

from agents.scoring.linking import IssuerLink, Refusal

NO_NAME = "no_name_of_the_universe"
ALL_REFUSED = "all_names_refused"
NAMED, FORMER = "named", "deleted"


class LinkDecision(NamedTuple):
    """What the scoring stage decided on one headline.

    `reason`: `named` or `deleted` (the issuers that it had before) where linked, else
    `no_name_of_the_universe` or `all_names_refused`. `refused` says what was taken for no name, and why.
    """

    headline_id: str
    links: tuple[IssuerLink, ...]
    refused: tuple[Refusal, ...]
    reason: str

    @property
    def linked(self) -> bool:
        """Tell whether it was linked to anybody."""
        return bool(self.links)


def decision_of(
    headline_id: str, links: list[IssuerLink], refused: list[Refusal], *, former: bool
) -> LinkDecision:
    """Return the decision that these links are; `former`: they are those before a deletion."""
    linked, unlinked = FORMER if former else NAMED, ALL_REFUSED if refused else NO_NAME
    return LinkDecision(headline_id, tuple(links), tuple(refused), linked if links else unlinked)
