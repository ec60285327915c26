"""Folders on this machine: all files below one, the disk that one is on, and links to nothing."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path


def walk_files(folder: Path, prefix: str = "") -> Iterator[tuple[str, datetime]]:
    """Yield the regular files below a folder, each with its modification time in UTC. Follow links to folders.

    Each name is the path below the folder, after the prefix. Files that disappear during the walk are skipped.

    Raises:
        OSError: A folder cannot be read. A missing folder has no files.
    """
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.is_symlink() and _links_to_ancestor(entry.path):
                continue
            if entry.is_dir():
                yield from walk_files(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file():
                with contextlib.suppress(FileNotFoundError):
                    yield prefix + entry.name, datetime.fromtimestamp(entry.stat().st_mtime, UTC)


def _links_to_ancestor(link: str) -> bool:
    """Return whether a link leads to itself or to a folder that contains it. Following it would loop forever."""
    target = Path(os.path.realpath(link))
    return target.is_symlink() or Path(os.path.realpath(Path(link).parent)).is_relative_to(target)


def mount_of(folder: Path) -> tuple[int, str]:
    """Return what identifies the mounted disk of a folder. Files can be renamed only within the same one.

    The number of the device alone is not enough: a folder may be mounted a second time. On Linux, `/proc` has the mount
    of an open file (proc_pid_fdinfo(5)).

    Raises:
        OSError: The folder cannot be opened.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        device = os.fstat(opened).st_dev
        with contextlib.suppress(OSError):
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
