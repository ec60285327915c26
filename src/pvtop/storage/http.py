"""HTTP by Wikimedia's rules: few connections, a User-Agent with a contact, patience; and its failures in our words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Self

from pvtop.core.address import public
from pvtop.core.errors import NotFoundError, RangeError, SourceError, UnreachableError, is_transient
from pvtop.settings import Settings

if TYPE_CHECKING:
    import aiohttp
    import stamina

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
MAX_LISTING_BYTES = 20_000_000  # bytes; a month's of Wikimedia's has some 200,000
MAX_RETRY_AFTER = 600  # seconds: a server that asks for more is an error rather than a wait
MAX_BACKOFF = 60  # seconds
SLOWEST = 1 << 16  # bytes within the read time-out: a body that comes slower counts as stalled
PROGRESS = 1 << 20  # bytes: an attempt that gets so much further than any before does not count
READ_BYTES = 1 << 18
LAYOUT = "check that the source has the server's layout"
HINT = "check the address and the network, or try again later; for dumps, a mirror may serve as --source"


log = logging.getLogger(__name__)


class Client:
    """All HTTP of a run, over one pool of connections; opened with the first request.

    Use as an asynchronous context manager, and one for as many hours as there are, so that the cap on
    connections holds for them together.

    Args:
        settings: The settings of the run.
        on_retry: Called before every attempt but the first.

    Attributes:
        settings: As given.
        transferring: Taken for each transfer, over whatever protocol; given back while what has come is verified.
    """

    def __init__(self, settings: Settings, on_retry: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.transferring = asyncio.Semaphore(settings.connections)
        self._connections = asyncio.Semaphore(settings.connections)
        self._on_retry = on_retry
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Open the session. Bodies come as sent: a `.gz` with a Content-Encoding is not unpacked on the way."""
        import aiohttp

        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self.settings.connect_timeout, sock_read=self.settings.read_timeout
            ),
            headers={"User-Agent": self.settings.user_agent, "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=True,
        )

    async def retries(self, received: Callable[[], int] = lambda: 0) -> AsyncIterator[stamina.Attempt]:
        """Give the attempts at a step: `async for attempt in client.retries(): with attempt: ...`.

        The wait doubles from `backoff` to a minute, with jitter; a server's Retry-After stands in its place.

        Args:
            received: Tells how far the step is, in bytes; while it gets on, attempts do not run out.
        """
        import stamina

        timeout = _RetryPolicy(self.settings, received)
        async for attempt in stamina.retry_context(on=timeout, attempts=None, timeout=None):
            if attempt.num > 1:
                self._on_retry()
            yield attempt

    @contextlib.asynccontextmanager
    async def get(
        self, address: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a response that is good: status 2xx. Its head must be here, redirects and all, within both time-outs.

        Raises:
            MissingError: 404 or 410.
            UnreachableError: A failure that may pass: no connection, a stall, a break, 429, 5xx.
            SourceError: Any other: 403, a bad address, a redirect that leads nowhere.
        """
        import aiohttp

        self._session = self._session or self._open()
        shown = public(address)
        try:
            async with (
                self._connections,  # a wait for one of our own connections is not the server's
                asyncio.timeout(self.settings.timeout) as deadline,  # aiohttp's starts anew with each byte of a head
                self._session.get(address, headers=headers) as response,
            ):
                deadline.reschedule(None)
                _check(response, shown)
                yield response
        except aiohttp.TooManyRedirects as error:
            raise SourceError(f"{shown} redirects in a loop", "check the address") from error
        except aiohttp.RedirectClientError as error:
            raise SourceError(f"{shown} redirects to what is no http(s) address", "check the address") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise SourceError(f"{shown}: the server's certificate is not valid", HINT) from error
        except (aiohttp.NonHttpUrlClientError, ValueError) as error:  # what a URL, a host name or a user cannot be
            raise SourceError(f"{shown} is or leads to what is no http(s) address", "check the address") from error
        except TimeoutError as error:
            raise UnreachableError(f"{shown} did not answer in time", HINT) from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise UnreachableError(f"{shown} cannot be reached or broke off: {_reason(error)}", HINT) from error

    async def chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Give a body bit by bit, as long as it keeps a pace.

        Raises:
            UnreachableError: It stalls or trickles: fewer than `SLOWEST` bytes within the read time-out.
        """
        now = asyncio.get_running_loop().time
        left, count = self.settings.read_timeout, 0
        while True:
            since = now()
            try:
                async with asyncio.timeout(left):
                    chunk = await response.content.read(READ_BYTES)
            except TimeoutError as error:
                raise UnreachableError(f"{public(str(response.url))} sends next to nothing", HINT) from error
            if not chunk:
                return
            left, count = left - (now() - since), count + len(chunk)  # the time that the chunk's taker needs is its own
            if count >= SLOWEST:
                left, count = self.settings.read_timeout, 0
            yield chunk

    async def text(self, address: str) -> str:
        """Fetch a short text, trying again where that helps; unpacked, as some servers pack it unasked.

        Raises:
            SourceError: As for `get`; or it is too long for a listing.
        """
        async for attempt in self.retries():
            with attempt:
                async with self.get(address) as response:
                    return (await self._read(response)).decode("utf-8", "replace")
        raise AssertionError  # unreachable: the last attempt returns or raises

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        shown = public(str(response.url))
        body = bytearray()
        async for chunk in self.chunks(response):
            body += chunk
            check_listing_length(body, shown)
        packed = response.headers.get("Content-Encoding", "identity") != "identity"
        return _unpacked(body, shown) if packed else bytes(body)


def check_listing_length(body: bytes | bytearray, shown: str) -> None:
    """Refuse what is longer than a listing can be.

    Raises:
        SourceError: It is.
    """
    if len(body) > MAX_LISTING_BYTES:
        raise SourceError(f"{shown} is too long for a listing", LAYOUT)


def _unpacked(body: bytearray, shown: str) -> bytes:
    """Unpack what is to end where its packing says; a proxy may cut it and give the length of what is left."""
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip and deflate alike
    try:
        content = unpack.decompress(body, MAX_LISTING_BYTES + 1)
    except zlib.error as error:
        raise UnreachableError(f"{shown} cannot be unpacked: {error}", HINT) from error
    check_listing_length(content, shown)
    if not unpack.eof or unpack.unused_data:
        raise UnreachableError(f"{shown} cannot be unpacked: it does not end as packed data does", HINT)
    return content


class _RetryPolicy:
    """Tells stamina whether to try again, and after how many seconds; and tells the user."""

    def __init__(self, settings: Settings, received: Callable[[], int]) -> None:
        self._settings = settings
        self._received = received
        self._furthest = 0
        self._failures = 0

    def __call__(self, error: Exception) -> bool | float:
        if not is_transient(error):
            return False
        if self._received() >= self._furthest + PROGRESS:
            self._furthest, self._failures = self._received(), 0
        self._failures += 1
        if self._failures >= self._settings.attempts:
            return False
        wait = self._backoff() if error.retry_after is None else error.retry_after
        log.warning("%s; attempt %d of %d in %.0f s", error, self._failures + 1, self._settings.attempts, wait)
        return wait

    def _backoff(self) -> float:
        doubled = min(self._settings.backoff * 2.0 ** (self._failures - 1), MAX_BACKOFF)
        return doubled + random.uniform(0, self._settings.backoff)  # noqa: S311 - to spread the load


def _reason(error: Exception) -> str:
    """Say in short what went wrong, without the address, which may hold secrets."""
    import aiohttp

    cause = getattr(error, "os_error", None) or error.__cause__
    if isinstance(cause, OSError):
        return str(cause)
    match error:
        case aiohttp.ClientPayloadError():
            return "the body ended too early"
        case aiohttp.ServerDisconnectedError():
            return "the server hung up"
        case aiohttp.ClientResponseError():
            return "the answer is no HTTP"
    return type(error).__name__


def _check(response: aiohttp.ClientResponse, shown: str) -> None:
    status, wanted = response.status, "Range" in response.request_info.headers
    if status == 200 or (status == 206 and wanted):  # noqa: PLR2004 - all of it, or the part that was asked for
        return
    if status == 416 and wanted:  # noqa: PLR2004 - a part that the server does not have
        raise RangeError(f"{shown} cannot be resumed (416)")
    if status in {404, 410}:
        raise NotFoundError(f"{shown} does not exist ({status})")
    if status == 403:  # noqa: PLR2004 - the status for forbidden
        raise SourceError(
            f"{shown} is refused (403)",
            "Wikimedia refuses clients that name no contact: set --contact you@example.org (or PVTOP_CONTACT)",
        )
    if status not in TRANSIENT:
        raise SourceError(f"{shown} cannot be fetched ({status})", "check the address")
    wait = _retry_after(response.headers)
    if wait is not None and wait > MAX_RETRY_AFTER:
        raise SourceError(f"{shown} is unavailable ({status})", f"the server asks to come back in {wait:,.0f} s")
    raise UnreachableError(
        f"{shown} is unavailable ({status})", "try again later, or another --source", retry_after=wait
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After, seconds or a date, by the server's own clock; None where there is none that can be read."""
    value = headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return float(value)
    when, now = _date(value), _date(headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (when - now).total_seconds()) if when else None


def _date(value: str) -> datetime | None:
    """Read a date of HTTP, which is in UTC; None where it is none."""
    try:
        return parsedate_to_datetime(value).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
