"""Progress on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from pvtop.core.hour import Hour
from support.samples import DATA
from support.server.files import File, Server

SOURCE = DATA / "source"
HOUR = Hour.parse("2024-12-31T14")
AT = ("--date", "2024-12-31", "--hour", "14")
PATH = f"/{HOUR.dump_path}"


@pytest.mark.parametrize(("encoding", "bar"), [("utf-8", "━━"), ("ascii", "--")])
def test_download_bar_is_shown_on_a_terminal_only(server: Server, encoding: str, bar: str) -> None:
    server.files[PATH] = File((SOURCE / HOUR.dump_path).read_bytes())
    command = [
        str(Path(sys.executable).with_name("pvtop")),
        "report",
        *AT,
        "--source",
        server.url,
        "--blacklist",
        "none",
    ]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "PYTHONIOENCODING": encoding},
    ) as process:
        os.close(theirs)
        seen = b"".join(iter(lambda: _read(ours), b""))
    assert process.returncode == 0
    assert "2024-12-31 14:00 UTC" in seen.decode()
    assert bar in seen.decode(encoding)
    quiet = subprocess.run([*command, "--refresh-dump"], capture_output=True, check=True)
    assert bar not in quiet.stderr.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed
        return b""
