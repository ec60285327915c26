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

from pvtop.core.errors import OutputError
from pvtop.storage.locks import unlink_if_unlocked

TEMPORARY_SUFFIX = ".tmp"


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
    return OutputError(message, hint, setting=setting)


def broken_link(path: Path) -> Path | None:
    """Return the link to nothing that a path is, or leads through. Return None if there is none."""
    return next(filter(_is_broken_link, (path, *path.parents)), None)


def _is_broken_link(path: Path) -> bool:
    try:
        if path.is_symlink():
            path.stat()
    except OSError as error:  # what must not be looked at may exist
        return error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
    return False


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. Refuse pipes, devices and folders. Reading a pipe could block forever.

    Raises:
        OSError: The file is not a regular file, or cannot be opened.
    """
    if path.exists() and not path.is_file():
        raise OSError("it is not a regular file")
    return path.open("rb")


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
        needed.mkdir(parents=True, exist_ok=True)
    for abandoned in folder.glob(f".{_escaped(target.name)}.*{TEMPORARY_SUFFIX}"):
        unlink_if_unlocked(abandoned)
    file = _create(folder / target.name)
    try:
        with file:
            yield file
    finally:
        Path(file.name).unlink(missing_ok=True)


def commit(file: BinaryIO, target: Path) -> None:
    """Rename a temporary file to the target, which it replaces atomically. Flush it to the disk first.

    Raises:
        OSError: The file cannot be flushed or renamed.
    """
    file.flush()
    os.fsync(file.fileno())
    Path(file.name).replace(target)


@contextlib.contextmanager
def stage(target: Path, content: bytes, folder: Path | None = None) -> Iterator[BinaryIO]:
    """Write the content to a temporary file and flush it to the disk. Yield the file, which is ready for `commit`.

    Args:
        target: The final path, as for `temporary_file`.
        content: All bytes of the file.
        folder: Where the temporary file goes, as for `temporary_file`.

    Raises:
        OSError: The file cannot be written.
    """
    with temporary_file(target, folder) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        yield file


def write_atomic(target: Path, content: bytes) -> None:
    """Write a file so that it appears complete or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    with stage(target, content) as file:
        commit(file, target)


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
        file = target.with_name(f".{target.name}.{uuid4().hex[:8]}{TEMPORARY_SUFFIX}").open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def _escaped(name: str) -> str:
    return name.replace("[", "[[]")
