"""Files that appear whole or not at all, and that nobody removes under another's hands; on local disks.

Both rest on advisory locks, which the system drops when a process ends, however it ends.
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

from pvtop.storage.locks import unlink_if_unlocked

SUFFIX = ".tmp"
FULL = {errno.ENOSPC, errno.EDQUOT}


def hint(error: BaseException, otherwise: str) -> str:
    """Say what to do about a failure to write: free some space where the disk, or what one may have of it, is full."""
    number = getattr(error, "errno", None)
    if number == errno.EFBIG:
        return "raise the limit on the length of files, which is that of ulimit -f or the disk's own"
    return "free some space: pvtop cache prune --older-than 7d" if number in FULL else otherwise


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read it, unless it is a pipe, at which a reader waits for ever, a device or a folder.

    Raises:
        OSError: It is, or cannot be opened.
    """
    if path.exists() and not path.is_file():
        raise OSError("it is no regular file")
    return path.open("rb")


@contextlib.contextmanager
def temporary_file(target: Path, folder: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file under a name of its own: gone at the end, unless `commit` has made it the target.

    It lies beside the target, or in another folder of the same disk.

    What a process that was killed has left of the same target is removed first.

    Raises:
        OSError: The folder cannot be made or written.
    """
    folder = folder or target.parent
    for needed in {folder, target.parent}:
        needed.mkdir(parents=True, exist_ok=True)
    for abandoned in folder.glob(f".{_escaped(target.name)}.*{SUFFIX}"):
        unlink_if_unlocked(abandoned)
    file = _create(folder / target.name)
    try:
        with file:
            yield file
    finally:
        Path(file.name).unlink(missing_ok=True)


def commit(file: BinaryIO, target: Path) -> None:
    """Make a temporary file the target, which it replaces in one step.

    Raises:
        OSError: It cannot be written to disk or renamed.
    """
    file.flush()
    os.fsync(file.fileno())
    Path(file.name).replace(target)


@contextlib.contextmanager
def stage(target: Path, content: bytes, folder: Path | None = None) -> Iterator[BinaryIO]:
    """Write a temporary file down to the disk, so that nothing but `commit` is left to do.

    Raises:
        OSError: It cannot be written.
    """
    with temporary_file(target, folder) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        yield file


def write_atomic(target: Path, content: bytes) -> None:
    """Write a file in one step.

    Raises:
        OSError: It cannot be written.
    """
    with stage(target, content) as file:
        commit(file, target)


def check_writable(folder: Path) -> None:
    """See that files can be put into a folder, before anything is touched.

    Raises:
        PermissionError: They cannot.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def _create(target: Path) -> BinaryIO:
    """Create a temporary file and lock it; once more where another process took it for abandoned in between."""
    while True:
        file = target.with_name(f".{target.name}.{uuid4().hex[:8]}{SUFFIX}").open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def _escaped(name: str) -> str:
    return name.replace("[", "[[]")
