"""HTTP by Wikimedia's rules: few connections, a User-Agent with a contact, patience; and its failures in our words."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Self

from pvtop.addresses import public
from pvtop.errors import MissingError, RangeError, SourceError, UnreachableError, is_transient
from pvtop.settings import Settings

if TYPE_CHECKING:
    import aiohttp
    import stamina

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
LONGEST_LISTING = 20_000_000  # bytes; a month's of Wikimedia's has some 200,000
LONGEST_WAIT = 600  # seconds: a server that asks for more is an error rather than a wait
HINT = "check the address and the network, or try again later; for dumps, a mirror may serve as --source"


log = logging.getLogger(__name__)


class Client:
    """All HTTP of a run, over one pool of connections; opened with the first request.

    Use as an asynchronous context manager, and one for as many hours as there are, so that the cap on
    connections holds for them together.

    Args:
        settings: The settings of the run.
        on_retry: Called before every attempt but the first.
    """

    def __init__(self, settings: Settings, on_retry: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
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
            connector=aiohttp.TCPConnector(limit_per_host=self._settings.connections),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._settings.connect_timeout, sock_read=self._settings.read_timeout
            ),
            headers={"User-Agent": self._settings.user_agent, "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=True,
        )

    async def retries(self) -> AsyncIterator[stamina.Attempt]:
        """Give the attempts at a step: `async for attempt in client.retries(): with attempt: ...`.

        The wait doubles from `backoff` to a minute, with jitter; a server's Retry-After stands in its place.
        """
        import stamina

        attempts = stamina.retry_context(
            on=_wait_or_give_up,
            attempts=self._settings.attempts,
            timeout=None,
            wait_initial=self._settings.backoff,
            wait_max=60,
            wait_jitter=self._settings.backoff,
        )
        async for attempt in attempts:
            if attempt.num > 1:
                log.info("attempt %d of %d", attempt.num, self._settings.attempts)
                self._on_retry()
            yield attempt

    @contextlib.asynccontextmanager
    async def get(
        self, address: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a response that is good: status 2xx.

        Raises:
            MissingError: 404 or 410.
            UnreachableError: A failure that may pass: no connection, a stall, a break, 429, 5xx.
            SourceError: Any other: 403, a bad address, a redirect that leads nowhere.
        """
        import aiohttp

        self._session = self._session or self._open()
        shown = public(address)
        try:
            async with self._session.get(address, headers=headers) as response:
                _check(response, shown)
                yield response
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.TooManyRedirects, UnicodeError) as error:
            raise SourceError(f"{shown} cannot be fetched: {type(error).__name__}", "check the address") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise SourceError(f"{shown}: the server's certificate is not valid", HINT) from error
        except TimeoutError as error:
            raise UnreachableError(f"{shown} did not answer in time", HINT) from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise UnreachableError(f"{shown} cannot be reached or broke off: {_reason(error)}", HINT) from error

    async def text(self, address: str) -> str:
        """Fetch a text, trying again where that helps.

        Raises:
            SourceError: As for `get`.
        """
        async for attempt in self.retries():
            with attempt:
                async with self.get(address) as response:
                    return (await _read(response, shown=public(address))).decode("utf-8", "replace")
        raise AssertionError  # unreachable: the last attempt returns or raises


async def _read(response: aiohttp.ClientResponse, shown: str) -> bytes:
    """Read a body that has to be short.

    Raises:
        SourceError: It is not.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LONGEST_LISTING:
            raise SourceError(f"{shown} is too long for a listing", "check that the source has the server's layout")
    return bytes(body)


def _reason(error: Exception) -> str:
    """Say in short what went wrong, without the address, which may hold secrets."""
    cause = getattr(error, "os_error", None) or error.__cause__
    return str(cause) if isinstance(cause, OSError) else type(error).__name__


def _check(response: aiohttp.ClientResponse, shown: str) -> None:
    status, wanted = response.status, "Range" in response.request_info.headers
    if status == 200 or (status == 206 and wanted):  # noqa: PLR2004 - all of it, or the part that was asked for
        return
    if status == 416 and wanted:  # noqa: PLR2004 - a part that the server does not have
        raise RangeError(f"{shown} cannot be resumed (416)")
    if status in {404, 410}:
        raise MissingError(f"{shown} does not exist ({status})")
    if status == 403:  # noqa: PLR2004 - the status for forbidden
        raise SourceError(
            f"{shown} is refused (403)",
            "Wikimedia refuses clients that name no contact: set --contact you@example.org (or PVTOP_CONTACT)",
        )
    if status not in TRANSIENT:
        raise SourceError(f"{shown} cannot be fetched ({status})", "check the address")
    wait = _retry_after(response.headers.get("Retry-After"))
    if wait is not None and wait > LONGEST_WAIT:
        raise SourceError(f"{shown} is unavailable ({status})", f"the server asks to come back in {wait:,.0f} s")
    raise UnreachableError(f"{shown} is unavailable ({status})", "try again later, or another --source", wait)


def _retry_after(value: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date; None where there is none that can be read."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def _wait_or_give_up(error: Exception) -> bool | float:
    """Tell stamina whether to try again, or after how many seconds."""
    if not is_transient(error):
        return False
    log.warning("%s", error)
    return True if error.retry_after is None else error.retry_after
