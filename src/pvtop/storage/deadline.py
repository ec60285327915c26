"""Run a blocking call in a daemon thread, so that the caller can stop waiting for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from threading import Event, Thread
from typing import Any, TypeVar

T = TypeVar("T")

# What a run starts: the pools of Polars, asyncio and pyarrow, and a few threads of our own.
THREADS = 20 + 4 * (os.cpu_count() or 1)


def start_daemon(function: Callable[..., T], *args: object) -> Future[T]:
    """Call a function in a daemon thread, which does not keep the program from ending. Return its Future."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # so that a caller that stops waiting cannot cancel it

    def run() -> None:
        try:
            future.set_result(function(*args))
        except BaseException as error:  # noqa: BLE001 - raised again by future.result()
            future.set_exception(error)

    Thread(target=run, name="pvtop-step", daemon=True).start()
    return future


async def await_daemon(function: Callable[..., T], *args: object) -> T:
    """Call a function in a daemon thread and return its result. A task that is cancelled does not wait for it."""
    from asyncio import wrap_future

    return await wrap_future(start_daemon(function, *args))


def check_threads(count: int = THREADS) -> None:
    """Check that the machine lets this process start some threads. Without them, Polars panics, or hangs for ever.

    Raises:
        RuntimeError: It does not.
    """
    enough = Event()
    threads = [Thread(target=enough.wait, daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
    finally:
        enough.set()


class Deadline:
    """A time limit for blocking calls, which any thread can cancel.

    Args:
        timeout: Seconds that each call may take.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._cancelled: Future[None] = Future()

    def cancel(self) -> None:
        """Interrupt all current and future calls and sleeps."""
        if not self._cancelled.done():
            self._cancelled.set_result(None)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call a function in a daemon thread and return its result.

        If the call takes too long or is interrupted, its thread runs on, but nobody waits for it.

        Raises:
            TimeoutError: The call takes longer than the timeout.
            InterruptedError: `cancel` was called.
            Exception: Whatever the function raises.
        """
        self.sleep(0)
        future = start_daemon(function, *args)
        either: list[Future[Any]] = [future, self._cancelled]
        wait(either, self._timeout, FIRST_COMPLETED)
        if future.done():
            return future.result()
        self.sleep(0)
        raise TimeoutError("it did not answer in time")

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds.

        Raises:
            InterruptedError: `cancel` was called.
        """
        if wait([self._cancelled], seconds).done:
            raise InterruptedError("it was interrupted")
