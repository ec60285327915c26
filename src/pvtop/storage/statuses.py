"""What the status of an answer means: the file, a failure that may be temporary, or one that is not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pvtop.core.address import Address
from pvtop.core.errors import NotFoundError, RangeError, SourceError, UnreachableError

if TYPE_CHECKING:
    import aiohttp

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
PROXY_AUTHENTICATION = 407
MAX_RETRY_AFTER = 600  # seconds; if a server asks for more, fail instead of waiting
PROXY_HEADERS = ("Proxy-Authenticate", "X-Squid-Error")  # only a proxy sends them


def check_status(response: aiohttp.ClientResponse, address: Address, proxy: Address | None) -> None:
    """Check that a response has the file, or the part of it that was requested.

    Args:
        response: The response.
        address: The address that was requested.
        proxy: The proxy that the response may come from: of a plain http request. None if it comes from the server.

    Raises:
        NotFoundError: The status is 404 or 410.
        RangeError: The server does not have the requested part.
        UnreachableError: The failure may be temporary: 429, 5xx.
        SourceError: Any other failure.
    """
    status, wanted = response.status, "Range" in response.request_info.headers
    if status == 200 or (status == 206 and wanted):  # noqa: PLR2004 - the whole file, or the requested part
        return
    if proxy and (status == PROXY_AUTHENTICATION or any(name in response.headers for name in PROXY_HEADERS)):
        raise proxy_refusal(proxy, address, status, response.headers)
    if status == 416 and wanted:  # noqa: PLR2004 - the server does not have this part
        raise RangeError(f"the server cannot resume {address} (416)")
    if status in {404, 410}:
        raise NotFoundError(f"{address} does not exist ({status})")
    through = f" through the proxy {proxy}" if proxy else ""
    if status == 403:  # noqa: PLR2004 - forbidden
        raise _denied(address, through)
    if status not in TRANSIENT:
        raise SourceError(f"{address}: unexpected status {status}{through}", "check the address")
    raise _unavailable(f"{address} is unavailable ({status}){through}", response.headers)


def proxy_refusal(proxy: Address, address: Address, status: int, headers: Mapping[str, str] | None) -> SourceError:
    """Return the error for a proxy that does not pass on a request. Statuses such as 503 may be temporary."""
    message = f"the proxy {proxy} refuses {address} ({status})"
    if status in TRANSIENT:
        return _unavailable(message, headers or {})
    if status == PROXY_AUTHENTICATION:
        return SourceError(
            message, "put a user and a password into the address of the proxy, in http_proxy and https_proxy"
        )
    return SourceError(message, "ask who runs the proxy, or name the host in no_proxy to connect directly")


def _denied(address: Address, through: str) -> SourceError:
    who = "the server or the proxy denies it; " if through else ""
    hint = f"{who}Wikimedia denies access to clients without a contact: give your e-mail address"
    return SourceError(f"access to {address} is denied (403){through}", hint, setting="contact")


def _unavailable(message: str, headers: Mapping[str, str]) -> SourceError:
    wait = _retry_after(headers)
    if wait is not None and wait > MAX_RETRY_AFTER:
        return SourceError(message, f"the server asks clients to wait {wait:,.0f} s; try again after that")
    hint = "try again later, or use another address"
    return UnreachableError(message, hint, setting="source", retry_after=wait)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Parse Retry-After: seconds, or a date by the server's clock. Return None if it is missing or invalid."""
    value = headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return float(value)
    when, now = _date(value), _date(headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (when - now).total_seconds()) if when else None


def _date(value: str) -> datetime | None:
    """Parse an HTTP date, which is in UTC. Return None if it is invalid."""
    try:
        return parsedate_to_datetime(value).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
