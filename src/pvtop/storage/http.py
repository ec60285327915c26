"""An HTTP client that keeps Wikimedia's rules: few connections, a User-Agent with a contact, waits between attempts."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pvtop.core.address import Address
from pvtop.core.errors import NoConnectionError, SourceError, UnreachableError
from pvtop.settings import Settings
from pvtop.storage.proxies import proxy_for
from pvtop.storage.retries import RetryPolicy
from pvtop.storage.statuses import check_status, proxy_refusal

if TYPE_CHECKING:
    import aiohttp
    import stamina

    from pvtop.storage.redirects import Hop, Resolver

MAX_LISTING_BYTES = 20_000_000  # the listing of a month on Wikimedia's server has about 200,000
MIN_BYTES_PER_READ_TIMEOUT = 1 << 16  # a slower body counts as stalled
CHUNK_BYTES = 1 << 18
CHECK_CONNECTION = "check the address and the network, try again later, or use another address"
CHECK_PROXY = "check http_proxy, https_proxy and all_proxy in the environment, and the network"
PASSING_ERRNOS = {errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNABORTED}  # a busy server or network, not a missing one


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
        self._opened: tuple[aiohttp.ClientSession, Resolver] | None = None
        self._answered: set[Address] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._opened is not None:
            for part in self._opened:
                await part.close()

    def _open(self) -> tuple[aiohttp.ClientSession, Resolver]:
        """Open the session. It does not decompress bodies: a `.gz` with a Content-Encoding must stay a `.gz`."""
        import aiohttp

        from pvtop.storage.redirects import Resolver

        resolver = Resolver(aiohttp.DefaultResolver())
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self.settings.connect_timeout, sock_read=self.settings.read_timeout
            ),
            headers={"User-Agent": self.settings.user_agent, "Accept-Encoding": "identity"},
            auto_decompress=False,
        )
        return session, resolver

    async def retries(self, received: Callable[[], int] = lambda: 0) -> AsyncIterator[stamina.Attempt]:
        """Yield the attempts of a step: `async for attempt in client.retries(): with attempt: ...`.

        The wait doubles from `backoff` up to a minute, plus jitter. A Retry-After from the server replaces it.

        Args:
            received: Returns how many bytes the step has received. While it makes progress, attempts do not run out.
        """
        import stamina

        policy = RetryPolicy(self.settings, received)
        async for attempt in stamina.retry_context(on=policy, attempts=None, timeout=None):
            if attempt.num > 1:
                self._on_retry()
            yield attempt

    @contextlib.asynccontextmanager
    async def get(
        self, address: Address, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield a successful response (200, or 206 if a range was requested).

        Its head must arrive, after all redirects, within the connect timeout and the read timeout together.

        Raises:
            NotFoundError: The status is 404 or 410.
            UnreachableError: The failure may be temporary: no connection, a stall, a lost connection, 429, 5xx.
            SourceError: Any other failure: 403, a proxy that refuses, an invalid address, a redirect to one or to a
                private address, the setting `offline`.
        """
        import aiohttp

        self.check_online(address)
        try:
            async with (
                self._connections,  # outside the time limit, as the wait for a free connection is not the server's
                asyncio.timeout(self.settings.timeout) as deadline,  # aiohttp's own limit restarts with each byte
            ):
                response, proxy = await self._follow(address, headers or {})
                async with response:
                    deadline.reschedule(None)
                    check_status(response, address, proxy)
                    yield response
        except aiohttp.ClientConnectorCertificateError as error:
            raise SourceError(
                f"{address}: the server's certificate is not valid", CHECK_CONNECTION, setting="source"
            ) from error
        except ValueError as error:  # also aiohttp's InvalidURL: an invalid URL, host name or user
            raise SourceError(
                f"{address} is not a valid http(s) address, or redirects to one that is not", "check the address"
            ) from error
        except TimeoutError as error:
            raise unreachable(f"{address} did not answer in time") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise unreachable(f"{address}: {_reason(error)}") from error

    async def _follow(
        self, address: Address, headers: Mapping[str, str]
    ) -> tuple[aiohttp.ClientResponse, Address | None]:
        """Return the response for an address, after all redirects, and the proxy it came through, or None."""
        from yarl import URL

        from pvtop.storage.redirects import (
            MAX_REQUESTS,
            Hop,
            PrivateAddressError,
            location_of,
            next_url,
            private_redirect,
            with_login,
        )

        session, resolver = self._opened = self._opened or self._open()
        hop = Hop(with_login(URL(address.with_secrets())), proxy_for(address))
        try:
            for _ in range(MAX_REQUESTS):
                response = await self._request(session, hop, headers, address)
                location = location_of(response)
                if not location:
                    return response, hop.proxy if hop.url.scheme == "http" else None
                response.release()
                before, url = hop, next_url(hop.url, location, address)
                hop = Hop(url, proxy_for(Address.at(str(url))))
                await resolver.check_redirect(before, hop)
        except PrivateAddressError as error:
            raise private_redirect(address) from error
        raise SourceError(f"{address} redirects in a loop", "check the address")

    async def _request(
        self, session: aiohttp.ClientSession, hop: Hop, headers: Mapping[str, str], address: Address
    ) -> aiohttp.ClientResponse:
        """Send one request, and remember that its server or proxy has answered."""
        import aiohttp

        try:
            proxy = hop.proxy.with_secrets() if hop.proxy else None
            response = await session.get(hop.url, headers=headers, proxy=proxy, allow_redirects=False)
        except aiohttp.ClientHttpProxyError as error:
            raise proxy_refusal(hop.endpoint, address, error.status, error.headers) from error
        except (aiohttp.ClientSSLError, aiohttp.ServerTimeoutError):
            raise
        except aiohttp.ClientConnectorError as error:
            raise self._no_connection(hop, error, address) from error
        self._answered.add(hop.endpoint)
        return response

    def _no_connection(self, hop: Hop, error: aiohttp.ClientConnectorError, address: Address) -> UnreachableError:
        """Return the error for a connection that cannot be made.

        A server that has answered in this run may be restarting, so it is worth more attempts than one that has not.
        """
        missing = hop.endpoint not in self._answered and error.os_error.errno not in PASSING_ERRNOS
        kind = NoConnectionError if missing else UnreachableError
        if hop.proxy:
            reason = f"connection to the proxy {hop.proxy} failed: {_os_reason(error.os_error)}"
            return kind(f"{address}: {reason}", CHECK_PROXY)
        return kind(f"{address}: {_reason(error)}", CHECK_CONNECTION, setting="source")

    def check_online(self, address: Address) -> None:
        """Check that the settings allow a request. Every request over any protocol calls this first.

        Raises:
            SourceError: The setting `offline` is set.
        """
        if self.settings.offline:
            raise offline(str(address))

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
                raise unreachable(f"{Address.at(str(response.url))} stalled: {pace}") from error
            if not chunk:
                return
            left, count = left - (now() - since), count + len(chunk)  # without the time that the consumer takes
            if count >= MIN_BYTES_PER_READ_TIMEOUT:
                left, count = self.settings.read_timeout, 0
            yield chunk

    async def text(self, address: Address) -> str:
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
        address, body = Address.at(str(response.url)), bytearray()
        async for chunk in self.chunks(response):
            body += chunk
            check_listing_length(body, address)
        compressed = response.headers.get("Content-Encoding", "identity") != "identity"
        return _decompressed(body, address) if compressed else bytes(body)


def check_listing_length(body: bytes | bytearray, address: Address | Path) -> None:
    """Check that a body is not longer than a listing can be.

    Raises:
        SourceError: It is.
    """
    if len(body) > MAX_LISTING_BYTES:
        raise SourceError(
            f"{address} is too long for a listing",
            "check that the source has the layout of Wikimedia's server",
            setting="source",
        )


def is_elsewhere(response: aiohttp.ClientResponse, address: Address) -> bool:
    """Return whether a response comes from another scheme, host or port than its address names."""
    from yarl import URL

    return URL(address.with_secrets()).origin() != response.url.origin()


def unreachable(message: str) -> UnreachableError:
    """Return the error for a server that does not answer or a connection that is lost."""
    return UnreachableError(message, CHECK_CONNECTION, setting="source")


def offline(what: str) -> SourceError:
    """Return the error for something that is not on this machine while the setting `offline` is set."""
    return SourceError(
        f"{what} would have to be downloaded, but pvtop is offline",
        "download it without this setting",
        setting="offline",
    )


def _decompressed(body: bytearray, address: Address) -> bytes:
    """Decompress a body, and check that it is complete: a proxy may cut it and send a Content-Length that fits."""
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip and deflate alike
    try:
        content = decompressor.decompress(body, MAX_LISTING_BYTES + 1)
    except zlib.error as error:
        raise unreachable(f"cannot decompress {address}: {error}") from error
    check_listing_length(content, address)
    if not decompressor.eof or decompressor.unused_data:
        raise unreachable(f"cannot decompress {address}: the data is truncated or has trailing data")
    return content


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
