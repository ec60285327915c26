"""The proxy of an address: from the environment, or from the system's settings on macOS.

`http_proxy` and `https_proxy` are for addresses of that scheme, `all_proxy` for those that have none, and `no_proxy`
names the hosts that need no proxy. All of them may also be in capitals.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from pvtop.core.address import Address
from pvtop.core.errors import SourceError
from pvtop.core.redaction import without_secrets

PORTS = {"http": 80, "https": 443}
SET_ANOTHER = "name an HTTP proxy in http_proxy and https_proxy, or the hosts that need none in no_proxy"


def proxy_for(address: Address) -> Address | None:
    """Return the proxy for an http(s) address. None if there is none.

    A proxy without a scheme is an HTTP proxy: `127.0.0.1:8080`.

    Raises:
        SourceError: It is a SOCKS proxy, or its address is not valid.
    """
    from urllib.request import getproxies, proxy_bypass

    parts, proxies = urlsplit(address.with_secrets()), getproxies()
    chosen = proxies.get(parts.scheme) or proxies.get("all")
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    if not chosen or bypasses(proxies.get("no", ""), host, port) or proxy_bypass(host):
        return None
    proxy = chosen.strip() if "://" in chosen else f"http://{chosen.strip()}"
    _check_proxy(proxy)
    return Address.at(proxy)


def bypasses(no_proxy: str, host: str, port: int) -> bool:
    """Return whether `no_proxy` names a host.

    Its entries are separated by commas or spaces. An entry is a domain, with or without a dot before it, a name with
    `*`, an IP address or a network (`10.0.0.0/8`). A port after a colon limits it. Names are not resolved, so a
    network matches only a host that is written as an IP address.
    """
    return any(_matches(entry, host.lower(), port) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _matches(entry: str, host: str, port: int | None) -> bool:
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # one of them is a name, or the entry has a port
        pass
    if port is not None and entry.endswith(f":{port}"):
        return _matches(entry.removesuffix(f":{port}"), host, None)
    domain = entry.lstrip(".")
    return host == domain or host.endswith(f".{domain}") or ("*" in entry and fnmatch(host, entry))


def _check_proxy(proxy: str) -> None:
    """Check that pvtop can use a proxy.

    Raises:
        SourceError: It is not an http(s) proxy, or its address is not valid.
    """
    try:
        parts = urlsplit(proxy)
        valid = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid, parts = False, urlsplit("")
    if valid and parts.scheme in PORTS:
        return
    kind = "a SOCKS proxy, which pvtop cannot use" if proxy.lower().startswith("socks") else "not a valid http address"
    raise SourceError(f"the proxy {without_secrets(proxy)} is {kind}", SET_ANOTHER)
