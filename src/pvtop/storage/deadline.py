"""Steps that cannot be cancelled: each in a thread of its own, which is left behind where nobody waits any more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def start_daemon(step: Callable[..., T], *args: object) -> Future[T]:
    """Begin a step, in a thread that does not keep the program from ending; give what will come of it."""
    outcome: Future[T] = Future()
    outcome.set_running_or_notify_cancel()  # so that nobody who leaves it behind can cancel it

    def run() -> None:
        try:
            outcome.set_result(step(*args))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the step is waited for
            outcome.set_exception(error)

    Thread(target=run, name="pvtop-step", daemon=True).start()
    return outcome


class Deadline:
    """Waits for one thing after the other, in any thread: so long at most, and not at all once it is over.

    Args:
        patience: Seconds that a step may take.
    """

    def __init__(self, timeout: float) -> None:
        self._patience = timeout
        self._over: Future[None] = Future()

    def cancel(self) -> None:
        """Wait for nothing any more."""
        if not self._over.done():
            self._over.set_result(None)

    def call(self, step: Callable[..., T], *args: object) -> T:
        """Do a step in a thread of its own, and wait for what comes of it.

        Raises:
            TimeoutError: It takes too long.
            InterruptedError: It is over.
            Exception: What the step raises.
        """
        self.sleep(0)
        outcome = start_daemon(step, *args)
        either: list[Future[Any]] = [outcome, self._over]
        wait(either, self._patience, FIRST_COMPLETED)
        if outcome.done():
            return outcome.result()
        self.sleep(0)
        raise TimeoutError("it did not answer in time")

    def sleep(self, seconds: float) -> None:
        """Wait a little.

        Raises:
            InterruptedError: It is over.
        """
        if wait([self._over], seconds).done:
            raise InterruptedError("it was interrupted")
