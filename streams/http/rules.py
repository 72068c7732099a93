"""What HTTP headers ask of a polite reader, as pure rules: when to come again, what to send.

Header text is anybody's: nothing here raises for any of it, and every wait is bounded. Waits are
seconds. RFC 9110 is HTTP, RFC 9111 its caching.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit

import msgspec

from streams.backoff import Backoff
from streams.times import DAY_S

HOUR_S: Final = 3_600
RETRY_AFTER_MAX_S: Final = DAY_S
# A failing feed is asked again for ever, ever more seldom. A refusal is rarely over in an hour, and
# 410 says "for good" (RFC 9110 15.5.11), which publishers take back now and then. Where no server
# was reached, the network that is down may be ours, and asking burdens nobody.
BACKOFF_MAX_S: Final = HOUR_S
CEILINGS_S: Final = {
    "dns": 300,
    "connect": 300,
    "connect_timeout": 300,
    "unauthorized": 6 * HOUR_S,
    "forbidden": 6 * HOUR_S,
    "not_found": 6 * HOUR_S,
    "gone": DAY_S,
}

ACCEPT: Final = (
    "application/rss+xml, application/atom+xml, application/rdf+xml, application/feed+json, "
    "application/json;q=0.9, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
ACCEPT_ENCODING: Final = "gzip, deflate, br"

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
PERMANENT: Final = frozenset({301, 308})
REFUSALS: Final = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    410: "gone",
    429: "rate_limited",
    503: "unavailable",
}
# All that a poll can fail for; docs/news-sources.md says what each means.
REASONS: Final = (
    *REFUSALS.values(),
    "client_error", "server_error", "bad_status", "unasked_304",
    "dns", "connect", "connect_timeout", "timeout", "too_slow", "reset", "tls",
    "bad_http", "bad_url", "truncated", "bad_encoding", "too_large", "bomb",
    "bad_redirect", "redirect_loop", "too_many_redirects", "downgrade",
    "not_a_feed",
)  # fmt: skip
WEB: Final = ("http", "https")

_MAX_AGE = re.compile(r'(?:^|[\s,])max-age\s*=\s*"?(\d+)', re.IGNORECASE)
_NO_CACHE = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,=])", re.IGNORECASE)
# So long are the words of no path that people read: `q3-2026-results`, `0001193125-26-000001`.
_RUN = re.compile(r"[A-Za-z0-9_~%+=]{16,}")
_LETTER, _DIGIT = re.compile(r"[A-Za-z]"), re.compile(r"[0-9]")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_SECONDS = re.compile(r"\s*(\d+)(?:\.\d*)?\s*")
# What may stand in a header that we send: visible ASCII and blanks (RFC 9110 5.5, without obs-text).
_SENDABLE = re.compile(r"[ -~]{1,1000}")


class Validators(msgspec.Struct, frozen=True):
    """What a server gave with a document, sent back to ask whether it has changed."""

    etag: str = ""
    last_modified: str = ""

    def headers(self) -> dict[str, str]:
        """Return the conditional headers, both where both are known (RFC 9110 13.1)."""
        pairs = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return {name: value for name, value in pairs if value}


def validators_of(headers: Mapping[str, str]) -> Validators:
    """Return the validators of a response; one that could not be sent back is left out."""
    etag, modified = (headers.get(name, "").strip() for name in ("ETag", "Last-Modified"))
    return Validators(
        etag if _SENDABLE.fullmatch(etag) else "", modified if _SENDABLE.fullmatch(modified) else ""
    )


def fresh_s(headers: Mapping[str, str], ceiling_s: float) -> float:
    """Return how long the response stays fresh: max-age less Age (RFC 9111 4.2), in [0, ceiling].

    `s-maxage` is for shared caches, which we are not, and `Expires` is not looked at: publishing
    software sets it by default. Of several max-age the longest counts.
    """
    control = headers.get("Cache-Control", "")
    if _NO_CACHE.search(control):
        return 0.0
    ages = [_whole(digits) for digits in _MAX_AGE.findall(control)]
    age = _SECONDS.fullmatch(headers.get("Age", ""))
    left = max(ages, default=0.0) - (_whole(age[1]) if age else 0.0)
    return min(max(left, 0.0), ceiling_s)


def retry_after_s(headers: Mapping[str, str], now_ns: int) -> float:
    """Return what Retry-After asks for, 0 where it says nothing usable; at most a day.

    A date is taken against the response's own Date, so that a wrong clock of ours does no harm.
    """
    text = headers.get("Retry-After", "")
    if match := _SECONDS.fullmatch(text):
        return min(_whole(match[1]), RETRY_AFTER_MAX_S)
    until_s = _date_s(text)
    if until_s is None:
        return 0.0
    sent_s = _date_s(headers.get("Date", ""))
    wait_s = until_s - (now_ns / 1e9 if sent_s is None else sent_s)
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S)


def backoff_s(interval_s: float, failures: int, reason: str) -> float:
    """Return the wait after the `failures`-th failure in a row: doubled each time, then a ceiling.

    The first failure waits one interval; a feed slower than the ceiling keeps its own pace.
    """
    ceiling_s = CEILINGS_S.get(reason, BACKOFF_MAX_S)
    return max(interval_s, Backoff(interval_s, ceiling_s).wait_s(max(failures - 1, 0)))


def refusal_of(status: int) -> str:
    """Return the reason that a status without a document has in the list of failures."""
    if status in REFUSALS:
        return REFUSALS[status]
    if 400 <= status < 500:
        return "client_error"
    return "server_error" if 500 <= status < 600 else "bad_status"


def plain_url(url: str) -> str:
    """Return an http(s) URL that can be asked for, without its fragment; "" for any other."""
    try:
        plain = urldefrag(url.strip()).url
        parts = urlsplit(plain)
        usable = parts.scheme.lower() in WEB and parts.hostname and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        return ""
    return plain if usable else ""


def redirect_target(url: str, location: str) -> str:
    """Return where a redirect from `url` leads, "" where it leads nowhere."""
    location = location.strip()
    try:
        return plain_url(urljoin(url, location)) if location else ""
    except ValueError:
        return ""


def server_of(url: str) -> str:
    """Return the host name that a plain URL asks, "" of any other: whose turn it is in the gate."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def is_downgrade(url: str, target: str) -> bool:
    """Tell whether a redirect gives up encryption."""
    return urlsplit(url).scheme.lower() == "https" and urlsplit(target).scheme.lower() == "http"


def shown_url(url: str) -> str:
    """Return a URL fit for a message: without user, query and what looks like a key in its path."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an impossible URL"
    path = "/".join("..." if is_key(part) else part for part in parts.path.split("/"))
    if not parts.netloc:  # of no use, and whatever stands before an "@" may be a password
        return f"{parts.scheme}{':' if parts.scheme else ''}{path if '@' not in path else '...'}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}{port}{path}{'?...' if parts.query else ''}"


def is_key(part: str) -> bool:
    """Tell whether a part of a path looks like a key: many letters and digits mixed, or a UUID."""
    return _UUID.search(part) is not None or any(
        _LETTER.search(run) and len(_DIGIT.findall(run)) > 1 for run in _RUN.findall(part)
    )


def _whole(digits: str) -> float:
    """Return a number of seconds, whatever its length; int() would refuse very long ones."""
    digits = digits.lstrip("0") or "0"
    return float(digits) if len(digits) < 15 else 1e15


def _date_s(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None  # anything else than a date, and dates that no calendar has
