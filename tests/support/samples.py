"""What many tests are about: the sample in `data/`, one hour, and the shapes of two fixtures."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from pvtop.core.hour import Hour

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
HOUR = Hour.parse("2024-08-03T06")

Command = Callable[..., "subprocess.CompletedProcess[str]"]
WriteDump = Callable[..., Path]
