"""Redirects: where one leads, and which ones are refused.

A redirect is refused if it leads from https to http, or from a public server to this machine or its network: only the
user may name such an address. This module imports aiohttp, so import it only for a request.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from netrc import NetrcParseError, netrc

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from pvtop.core.address import Address
from pvtop.core.errors import SourceError

MAX_REQUESTS = 10  # an address and its redirects
REDIRECTS = {301, 302, 303, 307, 308}
SCHEMES = {"http", "https"}
DO_NOT_TRUST = "do not trust this server: use another address"

LOCALHOST = IPv4Address("127.0.0.1")

IPAddress = IPv4Address | IPv6Address

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hop:
    """A request on the way to a file: for its address, or for one that a redirect leads to.

    Attributes:
        url: Its address, with user and password.
        proxy: Its proxy, None if it has none.
    """

    url: URL
    proxy: Address | None = None

    @property
    def endpoint(self) -> Address:
        """What the connection leads to: the proxy, or the server."""
        return self.proxy or Address.at(str(self.url.origin()))


def with_login(url: URL) -> URL:
    """Return a URL with the user and the password that the netrc file has for its host, unless it has a user already.

    The file is named by `NETRC` in the environment, or is `~/.netrc`.
    """
    if url.raw_user is not None or not url.host:
        return url
    try:
        found = netrc(os.environ.get("NETRC")).authenticators(url.host)
    except OSError:
        return url
    except NetrcParseError:  # its message may quote a password
        log.warning("the netrc file is ignored: it is not valid, or others may read it")
        return url
    return url.with_user(found[0]).with_password(found[2]) if found else url


def location_of(response: aiohttp.ClientResponse) -> str | None:
    """Return where a response redirects to, as sent. None if it does not redirect."""
    return response.headers.get("Location") if response.status in REDIRECTS else None


def next_url(url: URL, location: str, address: Address) -> URL:
    """Return the URL that a redirect leads to. User and password go along only to the same scheme, host and port.

    Args:
        url: The URL that redirects.
        location: Where it redirects to, as sent.
        address: The address that was requested.

    Raises:
        SourceError: The redirect leads to an invalid address, or from https to http.
    """
    try:
        after = url.join(URL(location))
        valid = after.scheme in SCHEMES and bool(after.host)
    except ValueError:
        valid = False
    if not valid:
        raise SourceError(f"{address} redirects to an invalid http(s) address", "check the address")
    if (url.scheme, after.scheme) == ("https", "http"):
        raise SourceError(f"{address} redirects from https to http, which is not encrypted", DO_NOT_TRUST)
    if url.user and after.raw_user is None and after.origin() == url.origin():
        return after.with_user(url.user).with_password(url.password)
    return after


def private_redirect(address: Address) -> SourceError:
    """Return the error for a redirect from a public server to a private address."""
    return SourceError(f"{address} redirects to a private address, but is a public one itself", DO_NOT_TRUST)


def is_private(address: IPAddress) -> bool:
    """Return whether an IP address is not one of the public internet: private, loopback, link-local or reserved."""
    plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    return not plain.is_global or plain.is_multicast


class PrivateAddressError(Exception):
    """A redirect leads from a public server to a private address."""


class Resolver(AbstractResolver):
    """Resolves host names for the connections of a client, and refuses redirects into a private network.

    Args:
        resolver: Resolves the names.
    """

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver
        self._found: dict[str, list[IPAddress]] = {}
        self._redirected: set[str] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a host name.

        Raises:
            OSError: It does not resolve.
            PrivateAddressError: It had a public address when a public server redirected to it, and now has a private
                one.
        """
        found = await self._resolver.resolve(host, port, family)
        self._found[host] = [ip_address(one["host"]) for one in found]
        if host in self._redirected and any(map(is_private, self._found[host])):
            raise PrivateAddressError
        return found

    async def close(self) -> None:
        """Release the resolver."""
        await self._resolver.close()

    async def check_redirect(self, before: Hop, after: Hop) -> None:
        """Check that a redirect does not lead from a public server to a private address.

        A proxy resolves names itself, so a name behind a proxy counts as public, except `localhost`.

        Raises:
            PrivateAddressError: It does.
        """
        origin = self._known(before)
        if origin and all(map(is_private, origin)):
            return
        host = after.url.host or ""
        if after.proxy is None and written_address(host) is None:
            with contextlib.suppress(OSError):  # a name that does not resolve is left to the connection
                await self.resolve(host)
        if any(map(is_private, self._known(after))):
            raise PrivateAddressError
        self._redirected.add(host)

    def _known(self, hop: Hop) -> list[IPAddress]:
        """Return the addresses of a server as far as they are known here."""
        host = hop.url.host or ""
        if written := written_address(host):
            return [written]
        return [] if hop.proxy else self._found.get(host, [])


def written_address(host: str) -> IPAddress | None:
    """Return the IP address that a host is written as, in any spelling. None if it is a name that must be resolved."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return LOCALHOST
    try:
        return ip_address(name)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(name))  # such as 127.1 or 2130706433
    except (OSError, ValueError):
        return None
