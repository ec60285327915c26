"""Lock files and folders with advisory locks.

The operating system releases a lock when its process ends, also if it is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_INTERVAL = 0.02  # seconds between two tries to get a lock


@contextlib.contextmanager
def exclusive_lock(folder: Path, sleep: Callable[[float], object]) -> Iterator[None]:
    """Wait for the lock of a folder, and hold it. Only one process can hold it at a time.

    Args:
        folder: The folder.
        sleep: Called to wait some seconds. If it raises, the wait ends with its exception.

    Raises:
        OSError: The folder cannot be opened.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while not _try_lock(opened):  # a blocking flock could not be interrupted
            sleep(POLL_INTERVAL)
        yield
    finally:
        os.close(opened)


def _try_lock(opened: int) -> bool:
    """Lock a file if no other process holds its lock. Return whether it is locked now."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@contextlib.contextmanager
def shared_lock(path: Path) -> Iterator[None]:
    """Lock a file, so that `unlink_if_unlocked` does not remove it. Many processes can hold it at a time.

    Raises:
        OSError: The file cannot be opened.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def unlink_if_unlocked(path: Path) -> bool:
    """Remove a file unless another process is writing or reading it. Return whether the file is gone.

    Raises:
        OSError: The file cannot be removed.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return False  # another file has just replaced it
            path.unlink()
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True
