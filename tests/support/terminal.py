"""The command on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import NamedTuple

CURSOR_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")


class Seen(NamedTuple):
    """What a command has written to a terminal, and to stdout if that was none."""

    returncode: int
    raw: str
    stdout: str

    @property
    def text(self) -> str:
        """What the terminal got, without colours, links and movements of the cursor."""
        return CURSOR_CODES.sub("", self.raw).replace("\r", "\n")

    @property
    def lines(self) -> list[str]:
        """The lines of the text that are not blank."""
        return [line for line in self.text.split("\n") if line.strip()]


def on_terminal(*args: object, columns: int = 80, stdout: bool = False, **environment: str) -> Seen:
    """Run `pvtop` with stderr, and on request stdout too, on a terminal."""
    command = [str(Path(sys.executable).with_name("pvtop")), *map(str, args)]
    return run_on_terminal(command, columns=columns, stdout=stdout, **environment)


def run_on_terminal(command: list[str], *, columns: int = 80, stdout: bool = False, **environment: str) -> Seen:
    """Run a command with stderr, and on request stdout too, on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=theirs if stdout else subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "", "LINES": "", **environment},  # pytest may set them
    ) as process:
        os.close(theirs)
        raw = b"".join(iter(lambda: _read(ours), b""))
        printed = process.stdout.read() if process.stdout else b""
    os.close(ours)
    return Seen(process.returncode, raw.decode(), printed.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed
        return b""
