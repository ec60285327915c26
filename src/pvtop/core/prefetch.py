"""Work ahead in threads, in the order of the items."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

THREADS = min(4, os.cpu_count() or 1)  # more decode hardly faster, and hold more memory


def prefetch(items: Iterator[T], meanwhile: Callable[[], None] = lambda: None) -> Iterator[T]:
    """Yield the items. A thread fetches each one while the caller works on the one before it.

    Args:
        items: The items.
        meanwhile: What the caller does while the thread fetches the first one.
    """
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        meanwhile()
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item


def parallel(function: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """Yield the result of a function for each item, in their order. Threads call it for the next few items."""
    with ThreadPoolExecutor(THREADS) as threads:
        upcoming = deque[Future[T]]()
        for item in items:
            upcoming.append(threads.submit(function, item))
            if len(upcoming) > 2 * THREADS:
                yield upcoming.popleft().result()
        while upcoming:
            yield upcoming.popleft().result()
