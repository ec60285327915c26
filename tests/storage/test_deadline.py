"""Blocking calls with a time limit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread

import pytest

from pvtop.storage.deadline import Deadline, start_daemon


@pytest.fixture
def never() -> Iterator[Event]:
    """Yield an event that is set only after the test."""
    event = Event()
    yield event
    event.set()


def test_call_returns_the_result() -> None:
    assert start_daemon(divmod, 7, 2).result() == (3, 1)
    assert Deadline(9).call(divmod, 7, 2) == (3, 1)


def test_call_raises_the_error_of_the_function() -> None:
    with pytest.raises(ZeroDivisionError):
        Deadline(9).call(divmod, 7, 0)


def test_start_daemon_uses_a_daemon_thread() -> None:
    assert start_daemon(lambda: current_thread().daemon).result()


def test_call_that_takes_too_long_raises_timeout_error(never: Event) -> None:
    with pytest.raises(TimeoutError, match="it did not answer in time"):
        Deadline(0.01).call(never.wait)


def test_cancel_interrupts_a_waiting_call(never: Event) -> None:
    deadline, begun = Deadline(9), Event()

    def step() -> None:
        begun.set()
        never.wait()

    with ThreadPoolExecutor(1) as thread:
        waiter = thread.submit(deadline.call, step)
        begun.wait()
        deadline.cancel()
        with pytest.raises(InterruptedError):
            waiter.result()


def test_cancelled_deadline_starts_no_call(never: Event) -> None:
    deadline = Deadline(9)
    deadline.sleep(0)
    deadline.cancel()
    deadline.cancel()
    with pytest.raises(InterruptedError):
        deadline.call(never.set)
    assert not never.is_set()
    with pytest.raises(InterruptedError):
        deadline.sleep(9)
