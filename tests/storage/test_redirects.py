"""Where redirects may lead."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from pvtop.core.address import Address
from pvtop.core.errors import SourceError
from pvtop.storage.redirects import (
    Hop,
    PrivateAddressError,
    Resolver,
    is_private,
    next_url,
    with_login,
    written_address,
)

PUBLIC, PRIVATE = "8.8.8.8", "10.0.0.1"


class Names(AbstractResolver):
    """Resolves names from a table, which a test may change."""

    def __init__(self, **table: list[str]) -> None:
        self.table = table

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up in the table."""
        if host not in self.table:
            raise OSError(socket.EAI_NONAME, "no such name")
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in self.table[host]
        ]

    async def close(self) -> None:
        """Do nothing."""


def hop(host: str, proxy: str | None = None) -> Hop:
    return Hop(URL(f"http://{host}/a"), Address.at(proxy) if proxy else None)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("10.0.0.1", True), ("172.16.0.1", True), ("192.168.1.1", True),
        ("169.254.169.254", True), ("100.64.0.1", True), ("0.1.2.3", True), ("224.0.0.1", True), ("::1", True),
        ("::", True), ("fe80::1", True), ("fd00::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", True),
        ("8.8.8.8", False), ("172.32.0.1", False), ("2620:0:861:2::1", False), ("::ffff:8.8.8.8", False),
    ],
)  # fmt: skip
def test_private_addresses_are_recognised(address: str, *, private: bool) -> None:
    assert is_private(ip_address(address)) is private


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"),
        ("::1", "::1"), ("localhost", "127.0.0.1"), ("localhost.", "127.0.0.1"), ("a.localhost", "127.0.0.1"),
        ("10.0.0.1.", "10.0.0.1"), ("example.org", None), ("localhost.example.org", None), ("é.org", None),
    ],
)  # fmt: skip
def test_addresses_are_read_in_any_spelling(host: str, address: str | None) -> None:
    assert written_address(host) == (ip_address(address) if address else None)


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        (PUBLIC, PRIVATE, False),
        (PUBLIC, "127.1", False),
        (PUBLIC, "localhost", False),
        (PUBLIC, "[::1]", False),
        (PUBLIC, "intranet", False),
        (PUBLIC, "both", False),
        (PUBLIC, "mirror", True),
        (PUBLIC, "nowhere", True),
        ("mirror", PRIVATE, False),
        ("mirror", "intranet", False),
        ("both", "intranet", False),
        (PRIVATE, "127.0.0.1", True),
        ("intranet", "localhost", True),
        ("localhost", "mirror", True),
    ],
)
async def test_only_private_servers_may_redirect_to_private_addresses(
    before: str, after: str, *, allowed: bool
) -> None:
    resolver = Resolver(Names(intranet=[PRIVATE], mirror=[PUBLIC], both=[PUBLIC, PRIVATE]))
    if written_address(before) is None:
        await resolver.resolve(before)  # as the connection does
    if allowed:
        await resolver.check_redirect(hop(before), hop(after))
    else:
        with pytest.raises(PrivateAddressError):
            await resolver.check_redirect(hop(before), hop(after))


async def test_name_behind_a_proxy_counts_as_public() -> None:
    resolver = Resolver(Names(intranet=[PRIVATE]))
    await resolver.resolve("intranet")
    await resolver.check_redirect(hop("intranet", "http://proxy"), hop("other", "http://proxy"))
    with pytest.raises(PrivateAddressError):
        await resolver.check_redirect(hop("intranet", "http://proxy"), hop(PRIVATE, "http://proxy"))


async def test_name_that_becomes_private_after_the_check_is_refused() -> None:
    names = Names(mirror=[PUBLIC], intranet=[PRIVATE])
    resolver = Resolver(names)
    await resolver.check_redirect(hop(PUBLIC), hop("mirror"))
    names.table["mirror"] = [PRIVATE]
    with pytest.raises(PrivateAddressError):
        await resolver.resolve("mirror")
    with pytest.raises(PrivateAddressError):
        await resolver.check_redirect(hop(PUBLIC), hop("intranet"))
    assert await resolver.resolve("intranet"), "the user may name it"


@pytest.mark.parametrize(
    ("url", "location", "after"),
    [
        ("http://a/b/c", "d", "http://a/b/d"),
        ("http://a/b", "//c/d", "http://c/d"),
        ("http://a/b", "https://a/b", "https://a/b"),
        ("http://user:secret@a/b", "/c", "http://user:secret@a/c"),
        ("http://user:secret@a/b", "http://a/c", "http://user:secret@a/c"),
        ("http://user:secret@a/b", "http://a:81/c", "http://a:81/c"),
        ("http://user:secret@a/b", "https://a/c", "https://a/c"),
        ("http://user:secret@a/b", "http://c/d", "http://c/d"),
        ("http://user:secret@a/b", "http://other@a/c", "http://other@a/c"),
    ],
)
def test_user_and_password_stay_with_their_server(url: str, location: str, after: str) -> None:
    assert next_url(URL(url), location, Address.at("it")) == URL(after)


@pytest.mark.parametrize("location", ["ftp://a/b", "file:///etc/passwd", "http://[", "http://", "javascript:1"])
def test_redirect_to_an_invalid_address_is_refused(location: str) -> None:
    with pytest.raises(SourceError, match="^it redirects to an invalid"):
        next_url(URL("https://a/b"), location, Address.at("it"))


def test_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(SourceError, match="^it redirects from https to http"):
        next_url(URL("https://a/b"), "http://a/b", Address.at("it"))


def test_login_comes_from_the_netrc_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    assert with_login(URL("http://a/b")) == URL("http://a/b")
    path.write_text("machine a login user password secret\n")
    path.chmod(0o600)
    assert with_login(URL("http://a/b")) == URL("http://user:secret@a/b")
    assert with_login(URL("http://me@a/b")) == URL("http://me@a/b")
    assert with_login(URL("http://c/b")) == URL("http://c/b")
    path.write_text("password secret\n")
    assert with_login(URL("http://a/b")) == URL("http://a/b")
    assert "the netrc file is ignored" in caplog.text
    assert "secret" not in caplog.text
