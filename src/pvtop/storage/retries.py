"""When to try a network request again, and after how many seconds."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from pvtop.core.errors import NoConnectionError, UnreachableError, is_transient
from pvtop.settings import Settings

MAX_BACKOFF = 60  # seconds
PROGRESS_BYTES = 1 << 20  # an attempt that gets so much further than all before does not count as a failure
ATTEMPTS_TO_CONNECT = 2  # for a server that has never answered: it is missing rather than busy

log = logging.getLogger(__name__)


class RetryPolicy:
    """Decides for stamina whether to try again, and after how many seconds. Logs each retry.

    Args:
        settings: The settings, which limit the attempts.
        received: Returns how many bytes the step has received.
    """

    def __init__(self, settings: Settings, received: Callable[[], int]) -> None:
        self._settings = settings
        self._received = received
        self._furthest = 0
        self._failures = 0

    def __call__(self, error: Exception) -> bool | float:
        """Return the seconds to wait before the next attempt, or False to give up."""
        if not is_transient(error):
            return False
        if self._received() >= self._furthest + PROGRESS_BYTES:
            self._furthest, self._failures = self._received(), 0
        self._failures += 1
        attempts = self._attempts(error)
        if self._failures >= attempts:
            return False
        wait = self._backoff() if error.retry_after is None else error.retry_after
        log.warning("%s; retrying in %.0f s (%d/%d)", error, wait, self._failures + 1, attempts)
        return wait

    def _attempts(self, error: UnreachableError) -> int:
        limit = self._settings.attempts
        return min(limit, ATTEMPTS_TO_CONNECT) if isinstance(error, NoConnectionError) else limit

    def _backoff(self) -> float:
        doubled = min(self._settings.backoff * 2.0 ** (self._failures - 1), MAX_BACKOFF)
        return doubled + random.uniform(0, self._settings.backoff)  # noqa: S311 - jitter, which spreads the load
