"""The sample in `data/`, a server that serves it, and the types of two fixtures."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from pvtop.core.hour import Hour, hour_range
from pvtop.settings import Settings
from support.server.files import File, Server

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
SOURCE = DATA / "source"
DAY = hour_range(Hour.parse("2024-12-31T00"), Hour.parse("2024-12-31T23"))  # hours of the sample
HOUR = Hour.parse("2024-08-03T06")

Command = Callable[..., "subprocess.CompletedProcess[str]"]
WriteDump = Callable[..., Path]


def serve(server: Server, hours: list[Hour]) -> Settings:
    """Serve hours of the sample. Return settings for the server, no blacklist and the lake `lake`."""
    for hour in hours:
        server.files[f"/{hour.dump_path}"] = File((SOURCE / hour.dump_path).read_bytes())
    return Settings.load(source=server.url, blacklist="none", output="lake", contact="me@example.org")
