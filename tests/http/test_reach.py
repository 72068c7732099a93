"""Redirects lead into no network but the web and those that the feed itself is in."""

from __future__ import annotations

import pytest

from streams.http.reach import Reach, network_of


@pytest.mark.parametrize(("address", "network"), [
    ("1.2.3.4", "web"), ("2606:4700::1111", "web"), ("10.1.2.3", "private"), ("172.16.1.1", "private"),
    ("192.168.1.1", "private"), ("100.64.0.1", "private"), ("fd00::1", "private"), ("240.0.0.1", "private"),
    ("169.254.169.254", "link-local"), ("fe80::1%eth0", "link-local"), ("127.0.0.1", "loopback"),
    ("127.9.9.9", "loopback"), ("0.0.0.0", "loopback"), ("::1", "loopback"), ("::", "loopback"),
    ("::ffff:127.0.0.1", "loopback"), ("::ffff:10.0.0.1", "private"), ("64:ff9b::7f00:1", "loopback"),
    ("2002:7f00:1::", "loopback"), ("224.0.0.251", "private"),
])  # fmt: skip
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(("first", "then", "ok"), [
    ("1.2.3.4", "5.6.7.8", True), ("1.2.3.4", "127.0.0.1", False), ("1.2.3.4", "10.0.0.1", False),
    ("1.2.3.4", "169.254.169.254", False), ("127.0.0.1", "127.0.0.1", True), ("10.0.0.1", "10.0.0.2", True),
    ("10.0.0.1", "127.0.0.1", False), ("10.0.0.1", "169.254.169.254", False), ("10.0.0.1", "1.2.3.4", True),
    ("127.0.0.1", "10.0.0.1", False),
])  # fmt: skip
def test_where_a_redirect_may_lead(first: str, then: str, ok: bool) -> None:
    reach = Reach()
    reach.check(first)
    reach.redirected = True
    if ok:
        reach.check(then)
    else:
        with pytest.raises(PermissionError, match=then.replace(".", r"\.")):
            reach.check(then)
        assert reach.refused.startswith(then)
