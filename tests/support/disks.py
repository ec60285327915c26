"""Disks for tests, mounted where they are needed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted_at(folder: Path, *options: str) -> Iterator[None]:
    """Mount a file system at a new folder. Skip the test if that is not allowed."""
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if not mount or not umount:
        pytest.skip("the machine has no mount command")
    if subprocess.run([mount, *options, folder], check=False, capture_output=True).returncode:
        pytest.skip("a disk takes the right to mount one")
    try:
        yield
    finally:
        subprocess.run([umount, folder], check=True)
