"""An HTTP client that keeps Wikimedia's rules: few connections, a User-Agent with a contact, waits between attempts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
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

TRANSIENT_STATUSES = {408, 425, 429, 500, 502, 503, 504}
MAX_LISTING_BYTES = 20_000_000  # the listing of a month on Wikimedia's server has about 200,000
MAX_RETRY_AFTER = 600  # seconds; if a server asks for more, fail instead of waiting
MAX_BACKOFF = 60  # seconds
MIN_BYTES_PER_READ_TIMEOUT = 1 << 16  # a slower body counts as stalled
PROGRESS_BYTES = 1 << 20  # an attempt that gets so much further than all before does not count as a failure
CHUNK_BYTES = 1 << 18
CHECK_CONNECTION = "check the address and the network, try again later, or use another address"


log = logging.getLogger(__name__)


class Client:
    """The HTTP client of a run: one pool of connections, opened with the first request.

    Use it as an asynchronous context manager. Share one client among all hours of a run, so that the limit on
    connections holds for all of them together.

    Args:
        settings: The settings of the run.
        on_retry: Called before every attempt but the first.

    Attributes:
        settings: As given.
        transferring: Acquired for each transfer over any protocol, and released while the file is verified.
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
        """Open the session. It does not decompress bodies: a `.gz` with a Content-Encoding must stay a `.gz`."""
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
        """Yield the attempts of a step: `async for attempt in client.retries(): with attempt: ...`.

        The wait doubles from `backoff` up to a minute, plus jitter. A Retry-After from the server replaces it.

        Args:
            received: Returns how many bytes the step has received. While it makes progress, attempts do not run out.
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
        """Yield a successful response (200, or 206 if a range was requested).

        Its head must arrive, after all redirects, within the connect timeout and the read timeout together.

        Raises:
            NotFoundError: The status is 404 or 410.
            UnreachableError: The failure may be temporary: no connection, a stall, a lost connection, 429, 5xx.
            SourceError: Any other failure: 403, an invalid address, a redirect to one.
        """
        import aiohttp

        self._session = self._session or self._open()
        shown = public(address)
        try:
            async with (
                self._connections,  # outside the time limit, as the wait for a free connection is not the server's
                asyncio.timeout(self.settings.timeout) as deadline,  # aiohttp's own limit restarts with each byte
                self._session.get(address, headers=headers) as response,
            ):
                deadline.reschedule(None)
                _check(response, shown)
                yield response
        except aiohttp.TooManyRedirects as error:
            raise SourceError(f"{shown} redirects in a loop", "check the address") from error
        except aiohttp.RedirectClientError as error:
            raise SourceError(f"{shown} redirects to an invalid http(s) address", "check the address") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise SourceError(
                f"{shown}: the server's certificate is not valid", CHECK_CONNECTION, setting="source"
            ) from error
        except (aiohttp.NonHttpUrlClientError, ValueError) as error:  # ValueError: an invalid URL, host name or user
            raise SourceError(
                f"{shown} is not a valid http(s) address, or redirects to one that is not", "check the address"
            ) from error
        except TimeoutError as error:
            raise unreachable(f"{shown} did not answer in time") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise unreachable(f"{shown}: {_reason(error)}") from error

    async def chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield a body chunk by chunk.

        Raises:
            UnreachableError: Fewer than `MIN_BYTES_PER_READ_TIMEOUT` bytes arrived within the read timeout.
        """
        now = asyncio.get_running_loop().time
        left, count = self.settings.read_timeout, 0
        while True:
            since = now()
            try:
                async with asyncio.timeout(left):
                    chunk = await response.content.read(CHUNK_BYTES)
            except TimeoutError as error:
                pace = f"less than {MIN_BYTES_PER_READ_TIMEOUT // 1024} KiB in {self.settings.read_timeout:g} s"
                raise unreachable(f"{public(str(response.url))} stalled: {pace}") from error
            if not chunk:
                return
            left, count = left - (now() - since), count + len(chunk)  # without the time that the consumer takes
            if count >= MIN_BYTES_PER_READ_TIMEOUT:
                left, count = self.settings.read_timeout, 0
            yield chunk

    async def text(self, address: str) -> str:
        """Download a short text and decompress it if needed: some servers compress unasked. Retry if that may help.

        Raises:
            SourceError: As for `get`, or if the text has more than `MAX_LISTING_BYTES`.
        """
        async for attempt in self.retries():
            with attempt:
                async with self.get(address) as response:
                    return (await self._read(response)).decode("utf-8", "replace")
        raise AssertionError  # never reached: the last attempt returns or raises

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        shown = public(str(response.url))
        body = bytearray()
        async for chunk in self.chunks(response):
            body += chunk
            check_listing_length(body, shown)
        compressed = response.headers.get("Content-Encoding", "identity") != "identity"
        return _decompressed(body, shown) if compressed else bytes(body)


def check_listing_length(body: bytes | bytearray, shown: str) -> None:
    """Check that a body is not longer than a listing can be.

    Raises:
        SourceError: It is.
    """
    if len(body) > MAX_LISTING_BYTES:
        raise SourceError(
            f"{shown} is too long for a listing",
            "check that the source has the layout of Wikimedia's server",
            setting="source",
        )


def unreachable(message: str) -> UnreachableError:
    """Return the error for a server that does not answer or a connection that is lost."""
    return UnreachableError(message, CHECK_CONNECTION, setting="source")


def _decompressed(body: bytearray, shown: str) -> bytes:
    """Decompress a body, and check that it is complete: a proxy may cut it and send a Content-Length that fits."""
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip and deflate alike
    try:
        content = decompressor.decompress(body, MAX_LISTING_BYTES + 1)
    except zlib.error as error:
        raise unreachable(f"cannot decompress {shown}: {error}") from error
    check_listing_length(content, shown)
    if not decompressor.eof or decompressor.unused_data:
        raise unreachable(f"cannot decompress {shown}: the data is truncated or has trailing data")
    return content


class _RetryPolicy:
    """Decides for stamina whether to try again, and after how many seconds. Logs each retry."""

    def __init__(self, settings: Settings, received: Callable[[], int]) -> None:
        self._settings = settings
        self._received = received
        self._furthest = 0
        self._failures = 0

    def __call__(self, error: Exception) -> bool | float:
        if not is_transient(error):
            return False
        if self._received() >= self._furthest + PROGRESS_BYTES:
            self._furthest, self._failures = self._received(), 0
        self._failures += 1
        if self._failures >= self._settings.attempts:
            return False
        wait = self._backoff() if error.retry_after is None else error.retry_after
        log.warning("%s; retrying in %.0f s (%d/%d)", error, wait, self._failures + 1, self._settings.attempts)
        return wait

    def _backoff(self) -> float:
        doubled = min(self._settings.backoff * 2.0 ** (self._failures - 1), MAX_BACKOFF)
        return doubled + random.uniform(0, self._settings.backoff)  # noqa: S311 - jitter, which spreads the load


def _reason(error: Exception) -> str:
    """Return what went wrong, in short and without the address, which may contain secrets."""
    import aiohttp

    cause = getattr(error, "os_error", None) or error.__cause__
    if isinstance(cause, OSError):
        return f"connection failed: {_os_reason(cause)}"
    match error:
        case aiohttp.ClientPayloadError():
            return "connection lost before the end of the file"
        case aiohttp.ServerDisconnectedError():
            return "connection failed: the server closed it without an answer"
        case aiohttp.ClientResponseError():
            return "connection failed: the answer is not HTTP"
    return f"connection failed: {type(error).__name__}"


def _os_reason(error: OSError) -> str:
    """Return the reason of an OSError. asyncio gives a refused connection a text of its own: use the system's."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return error.strerror or str(error)


def _check(response: aiohttp.ClientResponse, shown: str) -> None:
    status, wanted = response.status, "Range" in response.request_info.headers
    if status == 200 or (status == 206 and wanted):  # noqa: PLR2004 - the whole file, or the requested part
        return
    if status == 416 and wanted:  # noqa: PLR2004 - the server does not have this part
        raise RangeError(f"the server cannot resume {shown} (416)")
    if status in {404, 410}:
        raise NotFoundError(f"{shown} does not exist ({status})")
    if status == 403:  # noqa: PLR2004 - forbidden
        raise SourceError(
            f"access to {shown} is denied (403)",
            "Wikimedia denies access to clients without a contact: give your e-mail address",
            setting="contact",
        )
    if status not in TRANSIENT_STATUSES:
        raise SourceError(f"{shown}: unexpected status {status}", "check the address")
    wait = _retry_after(response.headers)
    if wait is not None and wait > MAX_RETRY_AFTER:
        hint = f"the server asks clients to wait {wait:,.0f} s; try again after that"
        raise SourceError(f"{shown} is unavailable ({status})", hint)
    raise UnreachableError(
        f"{shown} is unavailable ({status})",
        "try again later, or use another address",
        setting="source",
        retry_after=wait,
    )


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
