"""Steps that are left behind, and waiting that ends."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread

import pytest

from pvtop.storage.deadline import Waiting, start


@pytest.fixture
def never() -> Iterator[Event]:
    """Give what does not come before the test is over."""
    event = Event()
    yield event
    event.set()


def test_what_comes_of_a_step_is_given() -> None:
    assert start(divmod, 7, 2).result() == (3, 1)
    assert Waiting(9).step(divmod, 7, 2) == (3, 1)


def test_what_a_step_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Waiting(9).step(divmod, 7, 0)


def test_a_step_keeps_no_program_from_ending() -> None:
    assert start(lambda: current_thread().daemon).result()


def test_a_step_that_takes_too_long_is_left_behind(never: Event) -> None:
    with pytest.raises(TimeoutError, match="it did not answer in time"):
        Waiting(0.01).step(never.wait)


def test_who_waits_for_a_step_can_be_told_to_give_up(never: Event) -> None:
    waiting, begun = Waiting(9), Event()

    def step() -> None:
        begun.set()
        never.wait()

    with ThreadPoolExecutor(1) as thread:
        waiter = thread.submit(waiting.step, step)
        begun.wait()
        waiting.end()
        with pytest.raises(InterruptedError):
            waiter.result()


def test_when_it_is_over_no_step_begins(never: Event) -> None:
    waiting = Waiting(9)
    waiting.pause(0)
    waiting.end()
    waiting.end()
    with pytest.raises(InterruptedError):
        waiting.step(never.set)
    assert not never.is_set()
    with pytest.raises(InterruptedError):
        waiting.pause(9)
