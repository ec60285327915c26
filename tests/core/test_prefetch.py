"""Work ahead in threads."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from pvtop.core.prefetch import THREADS, parallel, prefetch

WAIT = 60  # seconds, after which a thread has failed


def test_parallel_keeps_the_order_of_the_items() -> None:
    assert list(parallel(lambda number: number * 2, range(100))) == list(range(0, 200, 2))


def test_parallel_raises_the_error_of_an_item_in_its_place() -> None:
    results = parallel(lambda number: 6 // (3 - number), range(9))
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_parallel_takes_few_items_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    next(parallel(abs, items()))
    assert len(taken) <= 2 * THREADS + 1


def test_caller_works_while_the_first_item_is_fetched() -> None:
    has_begun, may_end = Event(), Event()

    def fetched() -> Iterator[int]:
        has_begun.set()
        assert may_end.wait(WAIT)
        yield 1
        yield 2

    def meanwhile() -> None:
        assert has_begun.wait(WAIT)
        may_end.set()

    assert list(prefetch(fetched(), meanwhile)) == [1, 2]
