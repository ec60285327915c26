"""Which proxy an address has."""

from __future__ import annotations

import pytest

from pvtop.core.address import Address
from pvtop.core.errors import SourceError
from pvtop.storage.proxies import bypasses, proxy_for


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("variables", "address", "proxy"),
    [
        ({}, "http://example.org/a", None),
        ({"http_proxy": "http://p:1"}, "http://example.org/a", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "http://example.org/a", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "https://example.org/a", None),
        ({"https_proxy": "http://p:1"}, "https://example.org/a", "http://p:1"),
        ({"all_proxy": "http://p:1"}, "https://example.org/a", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "http://example.org/a", "http://p:1"),
        ({"all_proxy": "socks5://p:1", "http_proxy": "http://q:2"}, "http://example.org/a", "http://q:2"),
        ({"http_proxy": "127.0.0.1:8080"}, "http://example.org/a", "http://127.0.0.1:8080"),
        ({"http_proxy": " user:secret@p:1 "}, "http://example.org/a", "http://user:secret@p:1"),
        ({"http_proxy": "https://p:1"}, "http://example.org/a", "https://p:1"),
        ({"http_proxy": "http://p:1", "no_proxy": "example.org"}, "http://example.org/a", None),
        ({"http_proxy": "http://p:1", "NO_PROXY": "example.com,10.0.0.0/8"}, "http://10.1.2.3/a", None),
        ({"http_proxy": "http://p:1", "NO_PROXY": "example.org:80"}, "http://example.org/a", None),
        ({"http_proxy": "http://p:1", "NO_PROXY": "example.org:80"}, "http://example.org:81/a", "http://p:1"),
        ({"http_proxy": "socks5://p:1", "no_proxy": "*"}, "http://example.org/a", None),
    ],
)
def test_proxy_comes_from_the_environment(
    variables: dict[str, str], address: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(Address.at(address)) == (proxy and Address.at(proxy))


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("socks5://user:secret@127.0.0.1:1080", "the proxy socks5://127.0.0.1:1080 is a SOCKS proxy"),
        ("SOCKS4a://127.0.0.1", "is a SOCKS proxy"),
        ("ftp://127.0.0.1", "is not a valid http address"),
        ("http://", "is not a valid http address"),
        ("http://user:secret@127.0.0.1:99999", "the proxy http://127.0.0.1:99999 is not a valid http address"),
        ("http://[", "is not a valid http address"),
    ],
)
def test_unusable_proxy_is_named_without_secrets(proxy: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(SourceError) as caught:
        proxy_for(Address.at("https://example.org/a"))
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("no_proxy", "host", "bypassed"),
    [
        ("", "example.org", False),
        ("*", "example.org", True),
        ("example.org", "example.org", True),
        ("example.org", "dumps.EXAMPLE.org", True),
        (".example.org", "dumps.example.org", True),
        ("*.example.org", "dumps.example.org", True),
        ("example.org", "counterexample.org", False),
        ("a.org, example.org b.org", "example.org", True),
        ("example.org:81", "example.org", False),
        ("example.org:80", "example.org", True),
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.1/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "example.org", False),
        ("fd00::/8", "fd00::1", True),
        ("[::1]", "::1", True),
        ("127.0.0.1", "127.0.0.1", True),
    ],
)
def test_no_proxy_names_hosts_and_networks(no_proxy: str, host: str, *, bypassed: bool) -> None:
    assert bypasses(no_proxy, host, 80) is bypassed
