"""Disks for tests, mounted where they are needed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def mount(*options: str | Path) -> bool:
    """Mount a file system. Return whether that succeeded."""
    command = shutil.which("mount")
    return bool(command) and not subprocess.run([str(command), *options], check=False, capture_output=True).returncode


@contextlib.contextmanager
def mounted_at(folder: Path, *options: str) -> Iterator[None]:
    """Mount a file system at a new folder. Skip the test if that is not allowed."""
    folder.mkdir()
    if not mount(*options, folder):
        pytest.skip("mounting a disk takes the right to do so")
    try:
        yield
    finally:
        subprocess.run([str(shutil.which("umount")), folder], check=True)
