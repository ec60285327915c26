"""The streams of a command: write to them, and go on if they are closed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from pvtop.core.errors import OutputError
from pvtop.core.escape import printable


@contextlib.contextmanager
def writing_stdout() -> Iterator[None]:
    """Write to stdout, and notice when that fails. A reader that has gone, such as `head`, is no failure.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        try:
            yield
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)
    except OSError as error:
        _drop(sys.stdout)
        raise OutputError(f"stdout cannot be written: {error.strerror}", "check where it goes to") from error


def _drop(stream: TextIO) -> None:
    """Send what is still to be written nowhere: Python tries once more at its end, and ends with 120 if it fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether somebody is at the other end of a stream, which is None where it was closed from the start."""
    return stream is not None and stream.isatty()


def say(text: str) -> None:
    """Print to stderr, fit to be shown; where that is closed or cannot be written, go on without."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):
        for line in text.split("\n"):
            print(printable(line), file=sys.stderr, flush=True)  # noqa: T201 - the log, and how a run ends


def close_log() -> None:
    """Give up on what stderr did not take."""
    try:
        if sys.stderr:
            sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)
