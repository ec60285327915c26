"""Steps that are left behind, and deadline that ends."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread

import pytest

from pvtop.storage.deadline import Deadline, start_daemon


@pytest.fixture
def never() -> Iterator[Event]:
    """Give what does not come before the test is over."""
    event = Event()
    yield event
    event.set()


def test_what_comes_of_a_step_is_given() -> None:
    assert start_daemon(divmod, 7, 2).result() == (3, 1)
    assert Deadline(9).call(divmod, 7, 2) == (3, 1)


def test_what_a_step_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Deadline(9).call(divmod, 7, 0)


def test_a_step_keeps_no_program_from_ending() -> None:
    assert start_daemon(lambda: current_thread().daemon).result()


def test_a_step_that_takes_too_long_is_left_behind(never: Event) -> None:
    with pytest.raises(TimeoutError, match="it did not answer in time"):
        Deadline(0.01).call(never.wait)


def test_who_waits_for_a_step_can_be_told_to_give_up(never: Event) -> None:
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


def test_when_it_is_over_no_step_begins(never: Event) -> None:
    deadline = Deadline(9)
    deadline.sleep(0)
    deadline.cancel()
    deadline.cancel()
    with pytest.raises(InterruptedError):
        deadline.call(never.set)
    assert not never.is_set()
    with pytest.raises(InterruptedError):
        deadline.sleep(9)
