"""Folders on this machine: the files below them with their times, their disks, and links to nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path


def utc_time(seconds: float) -> datetime | None:
    """Return a modification time in UTC, or None if it is not valid."""
    with contextlib.suppress(OSError, ValueError, OverflowError):
        return datetime.fromtimestamp(seconds, UTC)
    return None


def walk_files(
    folder: Path, prefix: str = "", above: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[tuple[str, datetime | None]]:
    """Yield the regular files below a folder, each with its modification time, if valid. Follow links to folders.

    Each name is the path below the folder, after the prefix. Files that disappear during the walk are skipped.

    Args:
        folder: The folder.
        prefix: What each name begins with.
        above: Device and inode of each folder above. A link back to one of them is not followed.

    Raises:
        OSError: A folder cannot be read. A missing folder has no files.
    """
    try:
        entries = os.scandir(folder)
        here = above | {_identity(folder.stat())}
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            status = _status(entry)
            if status and stat.S_ISDIR(status.st_mode) and _identity(status) not in here:
                yield from walk_files(Path(entry.path), f"{prefix}{entry.name}/", here)
            elif status and stat.S_ISREG(status.st_mode):
                yield prefix + entry.name, utc_time(status.st_mtime)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return the status of what an entry is or links to, None for a link to nothing or to itself."""
    try:
        return entry.stat()
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP}:
            return None
        raise


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def mount_of(folder: Path) -> tuple[int, str]:
    """Return what identifies the mounted disk of a folder. Files can be renamed only within the same one.

    The number of the device alone is not enough: a folder may be mounted a second time. On Linux, `/proc` has the mount
    of an open file (proc_pid_fdinfo(5)). Other systems, and some containers, do not let it be read.

    Raises:
        OSError: The folder cannot be opened, or too many files are open: another answer would look like another disk.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        device = os.fstat(opened).st_dev
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            facts = Path(f"/proc/self/fdinfo/{opened}").read_text(encoding="ascii")
            return device, next((line for line in facts.splitlines() if line.startswith("mnt_id:")), "")
        return device, ""
    finally:
        os.close(opened)


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
