"""Turn the markup and noise of a feed into one clean line of text, and links into safe links.

Every step takes time linear in its input, whatever a hostile feed puts there.
"""

from __future__ import annotations

import html
import html.entities
import re

from streams.events import content_id

TITLE_CHARS = 1_000
SUMMARY_CHARS = 2_000
URL_CHARS = 2_000
KEY_CHARS = 500
# Markup may be longer than its text; what lies beyond this never reaches a title or a summary.
RAW_CHARS = 50_000

# An element left open swallows the rest, as in a browser; this also keeps the scan linear.
_HIDDEN = re.compile(
    r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE
)
_BLOCK = re.compile(
    r"</?(?:p|br|div|li|ul|ol|td|tr|h[1-6]|table|blockquote)\b[^<>]*>", re.IGNORECASE
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[!?][^<>]*>")
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_LINK = re.compile(
    r"https?://(?:[^/?#\[\]]+|\[[0-9A-Fa-f:.]+\](?::\d+)?)(?:[/?#]|$)", re.IGNORECASE
)
# Controls, soft hyphen, zero-width marks, every bidi mark, override and isolate (Unicode TR 9),
# lone surrogates, which no encoder accepts, the noncharacters, and the tag characters, in which a
# text can be hidden from people and shown to programs (Unicode 16, 23.9).
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)

_ENCODED = {ord(mark): f"%{ord(mark):02X}" for mark in '"<>\\^`{|}'}


def clean_text(raw: str, limit_chars: int = TITLE_CHARS) -> str:
    """Return `raw` without tags, scripts, controls and bidi marks, on one line, entities read once.

    A name that is no entity, as in the wires' `S&P; 500`, stays as it is.
    """
    if raw.isprintable() and "<" not in raw and "&" not in raw:
        return " ".join(raw.split())[:limit_chars].rstrip()
    text = _ENTITY.sub(_entity, strip_tags(raw[:RAW_CHARS]))
    # Escaped markup shows only now: feeds write `&lt;b&gt;` in titles that are read as HTML.
    text = _UNSEEN.sub("", strip_tags(text))
    return " ".join(text.split())[:limit_chars].rstrip()


def strip_tags(text: str) -> str:
    """Return `text` without scripts, styles, comments and tags; a lone `<` is left alone."""
    if "<" not in text:
        return text
    text = _HIDDEN.sub(" ", _CDATA.sub("", text))
    return _TAG.sub("", _BLOCK.sub(" ", text))


def clean_url(raw: str) -> str:
    """Return a web link that is safe to print, or "" for any other scheme or a broken link."""
    link = _UNSEEN.sub("", "".join(raw[:URL_CHARS].split()))
    return link if _LINK.match(link) else ""


def linked(url: str) -> str:
    """Return a web link for a message: what RFC 3986 allows in none is percent-encoded.

    Slack reads `|`, `<` and `>` in a link as its own marks.
    """
    return clean_url(url).translate(_ENCODED)


def clean_key(raw: str) -> str:
    """Return a source's own id of an item without what cannot be encoded; a huge one hashed."""
    key = _UNSEEN.sub("", raw).strip()
    return key if len(key) <= KEY_CHARS else content_id(key)


def _entity(match: re.Match[str]) -> str:
    name = match[0][1:]
    known = name.startswith("#") or name in html.entities.html5
    return html.unescape(match[0]) if known else match[0]


def printable(text: str) -> str:
    """Return text whose controls, escapes and bidi marks are spelled out; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
