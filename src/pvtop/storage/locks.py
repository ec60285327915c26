"""Advisory locks on files and folders, which the system drops when a process ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

LOOK_EVERY = 0.02  # seconds, at a lock that another process has


@contextlib.contextmanager
def exclusive_lock(folder: Path, pause: Callable[[float], object]) -> Iterator[None]:
    """Wait until no other process is in this context with a folder, and keep others out.

    Args:
        folder: The folder.
        pause: Waits so many seconds; what it raises ends the waiting.

    Raises:
        OSError: It cannot be opened.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while not _locked(opened):  # a thread that waits for a lock in the system's own way cannot be interrupted
            pause(LOOK_EVERY)
        yield
    finally:
        os.close(opened)


def _locked(opened: int) -> bool:
    """Lock a file, unless another has; tell whether that is so."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@contextlib.contextmanager
def shared_lock(path: Path) -> Iterator[None]:
    """Keep a file from being removed by `unlink_if_unlocked` as long as the context lasts.

    Raises:
        OSError: It cannot be opened.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def unlink_if_unlocked(path: Path) -> bool:
    """Remove a file, unless it is being written or read; tell whether it is gone.

    Raises:
        OSError: It cannot be removed.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return False  # another has just taken its place
            path.unlink()
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True
