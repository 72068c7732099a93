"""Whose request it is: loopback, our own names, and the rest."""

from __future__ import annotations

import pytest

from streams.http.guard import is_loopback, is_own_name


@pytest.mark.parametrize(
    ("remote", "local"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False), ("::ffff:10.0.0.1", False), ("fe80::1%eth0", False),
        ("", False), (None, False), ("localhost", False),
    ],
)  # fmt: skip
def test_loopback_is_told_from_the_rest(remote: str | None, local: bool) -> None:
    assert is_loopback(remote) is local


@pytest.mark.parametrize(
    ("host", "own"),
    [("localhost", True), ("127.0.0.1", True), ("::1", True), ("evil.example", False), ("", False)],
)
def test_a_name_of_somebody_else_is_not_ours(host: str, own: bool) -> None:
    assert is_own_name(host) is own
