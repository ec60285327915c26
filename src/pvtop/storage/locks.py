"""Lock files with advisory locks.

The operating system releases a lock when its process ends, also if it is killed. On NFS, an exclusive lock needs a file
that is open for writing. Some file systems have no locks: there, everything works unlocked, and a warning says so.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from pvtop.core.errors import OutputError
from pvtop.storage.regular_file import open_regular

POLL_INTERVAL = 0.02  # seconds between two tries to get a lock
MAX_WAIT = 10.0  # seconds to wait for a lock that another program holds
UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
MAX_OWNER_BYTES = 300

log = logging.getLogger(__name__)


@contextlib.contextmanager
def exclusive_lock(path: Path, sleep: Callable[[float], object]) -> Iterator[None]:
    """Wait for a lock, and hold it. Only one process can hold it at a time.

    Waits for another run of pvtop as long as it takes, but for another program at most `MAX_WAIT` seconds.

    Args:
        path: The lock file. Its folder must exist. It is created for the lock and removed at the end.
        sleep: Called to wait some seconds. If it raises, the wait ends with its exception.

    Raises:
        OutputError: Another program holds the lock.
        OSError: The file cannot be opened, or is not a regular file.
    """
    while True:
        with _open_for_lock(path, "a+b") as file:
            _wait_for_owner(file, path, sleep)
            if not _is_at(file, path):
                continue  # its last owner has just removed it
            try:
                _write_owner(file)
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _wait_for_owner(file: BinaryIO, path: Path, sleep: Callable[[float], object]) -> None:
    """Wait for an exclusive lock. Log which run of pvtop holds it, if the wait is long.

    Raises:
        OutputError: Another program holds the lock.
    """
    since, is_logged = time.monotonic(), False
    while try_lock(file, fcntl.LOCK_EX) is False:
        if time.monotonic() - since > MAX_WAIT and not is_logged:
            owner = _owner(path)
            if not owner:
                raise _locked_by_another(path)
            log.info("waiting for another run of pvtop (%s), which writes the same hour", owner)
            is_logged = True
        sleep(POLL_INTERVAL)


def _write_owner(file: BinaryIO) -> None:
    if file.writable():  # a killed run of another user may have left it
        file.truncate(0)
        file.write(f"{os.getpid()} {socket.gethostname()}".encode())
        file.flush()


def _owner(path: Path) -> str:
    """Return the process that holds the lock of a lock file, or the empty string if it is not a run of pvtop."""
    try:
        with open_regular(path) as file:
            process, _, host = file.read(MAX_OWNER_BYTES).decode("ascii").partition(" ")
        if host == socket.gethostname():
            os.kill(int(process), 0)
    except PermissionError:  # it lives, but belongs to somebody else
        pass
    except (OSError, ValueError, OverflowError):
        return ""
    return f"process {process} on {host}" if host else ""


def _locked_by_another(path: Path) -> OutputError:
    return OutputError(f"{path} is locked by another program", "end that program, or try again later")


def try_lock(file: BinaryIO, kind: int) -> bool | None:
    """Lock a file if no other process holds its lock, without waiting.

    Args:
        file: The file. For an exclusive lock, open it for writing.
        kind: `fcntl.LOCK_EX` or `fcntl.LOCK_SH`.

    Returns:
        Whether it is locked now; None if its file system has no locks.
    """
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        _warn_about_missing_locks()
        return None
    return True


@functools.cache
def _warn_about_missing_locks() -> None:
    log.warning(
        "a file system has no locks: two runs at once may mix the files of an hour, "
        "and may remove a download that the other one reads"
    )


def wait_for_lock(file: BinaryIO, path: Path, kind: int) -> None:
    """Lock a file. Other runs of pvtop hold this lock only for moments, so wait at most `MAX_WAIT` seconds.

    Raises:
        OutputError: Another program holds the lock.
        OSError: The file cannot be locked.
    """
    since = time.monotonic()
    while try_lock(file, kind) is False:
        if time.monotonic() - since > MAX_WAIT:
            raise _locked_by_another(path)
        time.sleep(POLL_INTERVAL)


@contextlib.contextmanager
def shared_lock(path: Path) -> Iterator[None]:
    """Lock a file, so that `unlink_if_unlocked` does not remove it. Many processes can hold it at a time.

    Raises:
        OutputError: Another program holds its exclusive lock.
        OSError: The file cannot be opened or locked.
    """
    with open_regular(path) as file:
        wait_for_lock(file, path, fcntl.LOCK_SH)
        yield


def unlink_if_unlocked(path: Path, idle: float = 0) -> bool:
    """Remove a regular file unless another process is writing or reading it. Return whether the file is gone.

    Args:
        path: The file. Anything else, such as a folder or a pipe, stays.
        idle: If the file system has no locks, remove the file only if it has not changed for this many seconds.

    Raises:
        OSError: The file cannot be removed.
    """
    if not path.is_file():
        return not path.exists()
    try:
        with _open_for_lock(path, "r+b") as file:
            locked = try_lock(file, fcntl.LOCK_EX)
            if locked is False or not _is_at(file, path):
                return False
            if locked is None and time.time() - os.fstat(file.fileno()).st_mtime < idle:
                return False
            path.unlink()
    except FileNotFoundError:
        return True
    return True


def _open_for_lock(path: Path, mode: str) -> BinaryIO:
    """Open a file for writing, as an exclusive lock on NFS needs. If that is not allowed, open it for reading."""
    try:
        return open_regular(path, mode)
    except PermissionError:
        return open_regular(path)


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Return whether a file is still the one at a path: another one may have replaced it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
