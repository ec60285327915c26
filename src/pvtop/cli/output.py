"""The result of a command on stdout, as text or as JSON. Everything else goes to stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pvtop.cli.log import LogFormat, open_log
from pvtop.cli.streams import is_terminal, writing_stdout
from pvtop.core.escape import printable, printable_json

if TYPE_CHECKING:
    from rich.text import Text


class Output:
    """Where the result of a command goes.

    Args:
        json: Print one JSON document instead of text.
        quiet: Print nothing but errors.
        verbose: Log details.
        log_format: The format of the log.
    """

    def __init__(
        self,
        *,
        json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        log_format: LogFormat = LogFormat.TEXT,
    ) -> None:
        self._json = json
        self._quiet = quiet
        open_log(quiet=quiet, verbose=verbose, log_format=log_format)

    @property
    def on_terminal(self) -> bool:
        """Whether stderr is a terminal, so that progress is shown."""
        return not self._quiet and is_terminal(sys.stderr)

    def result(self, data: Any, lines: Iterator[str | Text]) -> None:  # noqa: ANN401 - whatever JSON can represent
        """Print the result of a command.

        Args:
            data: The result for JSON.
            lines: The result as text. Not read if JSON is wanted.

        Raises:
            OutputError: stdout cannot be written.
        """
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # the encoding may lack a character
        with writing_stdout():
            if self._json:
                import json

                document = json.dumps(data, ensure_ascii=False, indent=1, default=str)
                print(printable_json(document))  # noqa: T201 - the result
            elif not self._quiet:
                print(_rendered(lines), end="")  # noqa: T201 - the result


def number_of_hours(count: int) -> str:
    """Return a number of hours as text: `1 hour`, `1,024 hours`."""
    return f"{count:,} hour{'' if count == 1 else 's'}"


def _rendered(lines: Iterator[str | Text]) -> str:
    """Return lines as the terminal can show them, or plain if stdout is not a terminal."""
    return "".join(f"{printable(line)}\n" if isinstance(line, str) else _drawn(line) for line in lines)


def _drawn(line: Text) -> str:
    from rich.console import Console

    console = Console(soft_wrap=True)
    with console.capture() as captured:
        console.print(line)
    return captured.get()
