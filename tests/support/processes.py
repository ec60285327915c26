"""Waiting for what a process does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress

PAUSE = 0.02  # seconds between two looks


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until a condition holds, which a process brings about before it ends. Leave the processor to it."""
    while not condition():
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the process ended with {process.wait(PAUSE)}")
