"""Embargoes that are no text, or are said twice: what may be one is kept."""

from __future__ import annotations

from pathlib import Path

from tests.attack.registry import attack, hold
from tests.attack.running import System, free_port, inbox, posted

FAR = '"2099-01-01T00:00:00Z"'
PAST = '"2001-01-01T00:00:00Z"'
SAID = {
    "number": '"embargoed": 4070908800',
    "fraction": '"embargoed": 4070908800.5',
    "true": '"embargoed": true',
    "list": f'"embargoed": [{FAR}]',
    "object": f'"embargoed": {{"until": {FAR}}}',
    "empty": '"embargoed": ""',
    "twice": f'"embargoed": {FAR}, "embargoed": {PAST}',
    "two spellings": f'"embargoed": {FAR}, "Embargoed": {PAST}',
    "two names": f'"embargoedUntil": {PAST}, "embargoed": {FAR}',
    "other two names": f'"embargoedUntil": {FAR}, "embargoed": {PAST}',
    "behind spaces": f'"embargoed": "{" " * 80}2099-01-01T00:00:00Z"',
}


@attack("low", "no item of them is passed on; each is a reject", limit_s=90, ci=True)
def ninjs(base: Path) -> None:
    """A number, a list, an object, "", and two of them that disagree."""
    port = free_port()
    system = System(base, inbox(port))
    with system.run() as run:
        run.up()
        run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
        for name, said in SAID.items():
            body = f'{{"uri": "urn:{name}", "versionCreated": "2026-11-24T14:00:00Z", "headline": "Secret of {name}", {said}}}'
            posted(port, body.encode())
        run.answers()
        told = sorted(title for title in system.titles() if title.startswith("Secret"))
        run.ends()
    hold(not told, f"passed on: {', '.join(told)}")


@attack("low", "no item of them is passed on; each is a reject", limit_s=90)
def newsml(base: Path) -> None:
    """G2: an empty one, one that is no time, and two that disagree."""
    past, far = PAST.strip('"'), FAR.strip('"')
    said = {
        "empty": "<embargoed/>",
        "no time": "<embargoed>soon</embargoed>",
        "twice": f"<embargoed>{past}</embargoed><embargoed>{far}</embargoed>",
        "twice turned": f"<embargoed>{far}</embargoed><embargoed>{past}</embargoed>",
    }
    port = free_port()
    system = System(base, inbox(port))
    with system.run() as run:
        run.up()
        run.until(lambda: posted(port, b"x")[0], 20, "the inbox does not answer")
        for name, embargo in said.items():
            body = (
                f'<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:{name}" version="1"><itemMeta>'
                f"<versionCreated>2026-11-24T14:00:00Z</versionCreated>{embargo}</itemMeta><contentMeta>"
                f"<headline>Secret of {name}</headline></contentMeta></newsItem>"
            )
            posted(port, body.encode())
        run.answers()
        told = sorted(title for title in system.titles() if title.startswith("Secret"))
        run.ends()
    hold(not told, f"passed on: {', '.join(told)}")
