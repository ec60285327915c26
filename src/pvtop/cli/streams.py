"""Writing to stdout and stderr, even if one of them is closed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import TextIO

import typer

from pvtop.core.errors import OutputError
from pvtop.core.escape import printable

RED, YELLOW = typer.colors.RED, typer.colors.YELLOW


class LogFormat(StrEnum):
    """The format of what is written to stderr."""

    TEXT = "text"
    JSON = "json"


@contextlib.contextmanager
def writing_stdout() -> Iterator[None]:
    """Flush stdout at the end. Ignore a closed pipe, as left by `| head`.

    Raises:
        OutputError: stdout cannot be written.
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
        if error.filename is not None:  # the failure of another file, not of stdout
            raise
        _drop(sys.stdout)
        raise OutputError(f"cannot write to stdout: {error.strerror}", "check where the output goes") from error


def _drop(stream: TextIO) -> None:
    """Discard the unwritten rest. Otherwise Python tries again at its end, fails, and exits with 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal. A stream that was closed before the start is None."""
    return stream is not None and stream.isatty()


def can_draw(characters: str) -> bool:
    """Return whether the encoding of stdout has these characters. Not every terminal uses UTF-8."""
    try:
        characters.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def has_colour(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal that shows colours. `NO_COLOR` turns them off."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str, colour: str = "") -> None:
    """Print to stderr, with control characters escaped. Do nothing if it is closed or cannot be written.

    Args:
        text: One or more lines.
        colour: The colour of the text if stderr shows colours. Empty for none.
    """
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):
        for line in map(printable, text.split("\n")):
            shown = typer.style(line, fg=colour) if colour and has_colour(sys.stderr) else line
            print(shown, file=sys.stderr, flush=True)  # noqa: T201 - the log, and the message of a failure


def close_log() -> None:
    """Flush stderr. Discard the rest if it cannot be written."""
    try:
        if sys.stderr:
            sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)
