"""A limit on open files for tests."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

LIMIT = 512


@contextlib.contextmanager
def files_left(count: int) -> Iterator[None]:
    """Let this process open only so many files at a time."""
    before, most = getrlimit(RLIMIT_NOFILE)
    opened: list[int] = []
    setrlimit(RLIMIT_NOFILE, (LIMIT, most))
    try:
        with contextlib.suppress(OSError):
            while True:
                opened.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(count):
            os.close(opened.pop())
        yield
    finally:
        for descriptor in opened:
            os.close(descriptor)
        setrlimit(RLIMIT_NOFILE, (before, most))
