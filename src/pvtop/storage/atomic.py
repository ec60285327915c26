"""Write local files so that they appear complete or not at all.

A temporary file is locked while it is written, so that no other process removes it. The operating system releases the
lock when the process ends, also if it is killed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from pvtop.core.errors import OPEN_FILES, OutputError
from pvtop.storage.locks import shared_lock, unlink_if_unlocked, wait_for_lock
from pvtop.storage.regular_file import create_folder

TEMPORARY_SUFFIX = ".tmp"
ABANDONED_AFTER = 86_400  # seconds without a change, if the file system has no locks


def output_error(message: str, error: BaseException, hint: str, setting: str) -> OutputError:
    """Return the OutputError for a failed read or write.

    Args:
        message: What went wrong, and where.
        error: The failure. If the disk or the user's quota is full, or a file is too large, the error gets a hint for
            that case instead.
        hint: What to do in all other cases.
        setting: The setting that the hint is about.
    """
    match getattr(error, "errno", None):
        case errno.ENOSPC | errno.EDQUOT:
            return OutputError(message, "free some space", remedy="prune_cache")
        case errno.EFBIG:
            return OutputError(message, "raise the limit on the size of files (ulimit -f), or use another disk")
        case errno.EMFILE | errno.ENFILE:
            return OutputError(message, OPEN_FILES)
    return OutputError(message, hint, setting=setting)


@contextlib.contextmanager
def temporary_file(target: Path, folder: Path | None = None) -> Iterator[BinaryIO]:
    """Yield a new file with a temporary name. Remove it at the end, unless `commit` has renamed it to the target.

    Before that, remove temporary files that killed processes left behind for the same target.

    Args:
        target: The final path. Its folder is created if needed.
        folder: Where the temporary file goes, on the same disk as the target; default: the target's folder.

    Raises:
        OSError: The folder cannot be created or written.
    """
    folder = folder or target.parent
    for needed in {folder, target.parent}:
        create_folder(needed)
    remove_abandoned(folder, f".{_escaped(target.name)}.*{TEMPORARY_SUFFIX}")
    file = _create(folder / target.name)
    try:
        with file:
            yield file
    finally:
        Path(file.name).unlink(missing_ok=True)


def remove_abandoned(folder: Path, pattern: str) -> None:
    """Remove the temporary files of killed processes, as far as this user may."""
    for path in folder.glob(pattern):
        with contextlib.suppress(OSError):
            unlink_if_unlocked(path, ABANDONED_AFTER)


def commit(file: BinaryIO, target: Path) -> None:
    """Rename a temporary file to the target, which it replaces atomically. Flush it to the disk first.

    Raises:
        OSError: The file cannot be flushed or renamed.
    """
    flush(file)
    Path(file.name).replace(target)


def flush(file: BinaryIO) -> None:
    """Flush a file to the disk. Raise OSError if the disk is full or fails."""
    file.flush()
    os.fsync(file.fileno())


def write_atomic(target: Path, content: bytes) -> None:
    """Write a file so that it appears complete or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    with temporary_file(target) as file:
        file.write(content)
        commit(file, target)


@contextlib.contextmanager
def set_aside(target: Path, folder: Path) -> Iterator[None]:
    """Rename a file to a temporary name. At the end, remove it, or put it back if the block fails.

    If there is no file and the block fails, remove the target that the block may have written.

    Args:
        target: The file.
        folder: Where it goes, on the same disk as the target.

    Raises:
        OSError: The file cannot be renamed.
        OutputError: The file cannot be put back. The hint says where it is.
    """
    if not target.exists():
        with _removed_on_failure(target):
            yield
        return
    aside = _temporary_path(folder / target.name)
    with shared_lock(target):  # so that no other run removes it as abandoned
        target.rename(aside)
        try:
            yield
        except BaseException:
            _put_back(aside, target)
            raise
        with contextlib.suppress(OSError):  # the next run removes it
            aside.unlink()


def _put_back(aside: Path, target: Path) -> None:
    try:
        aside.replace(target)
    except OSError as error:
        message = f"cannot put {target} back: {error.strerror}"
        raise OutputError(message, f"the earlier file is {aside}; rename it") from error


@contextlib.contextmanager
def _removed_on_failure(target: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)
        raise


def check_writable(folder: Path) -> None:
    """Check that files can be created in a folder.

    Raises:
        PermissionError: They cannot.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def _create(target: Path) -> BinaryIO:
    """Create and lock a temporary file.

    Retry if another process took the file for abandoned and removed it before it was locked.
    """
    while True:
        path = _temporary_path(target)
        file = path.open("xb")
        try:
            wait_for_lock(file, path, fcntl.LOCK_EX)
        except BaseException:
            file.close()
            path.unlink(missing_ok=True)
            raise
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def _temporary_path(target: Path) -> Path:
    return target.with_name(f".{target.name}.{uuid4().hex[:8]}{TEMPORARY_SUFFIX}")


def _escaped(name: str) -> str:
    return name.replace("[", "[[]")
