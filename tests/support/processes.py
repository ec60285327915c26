"""Waiting for what a process does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress

PAUSE = 0.02  # seconds between two looks


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until a condition holds. Fail if the process ends first. The processor is free between two looks."""
    while not condition():
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the process ended with {process.wait(PAUSE)}")
