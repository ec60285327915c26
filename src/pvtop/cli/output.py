"""What a command says: results on stdout, for people or as JSON; all else on stderr."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pvtop.cli.streams import is_terminal, writing_stdout
from pvtop.core.escape import printable, printable_json

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.sources.download import Progress


class Output:
    """Where a command's outcome goes.

    Args:
        json_wanted: One JSON document on stdout instead of text.
        quiet: Nothing but errors.
        verbose: Details in the log.
        json_log: The log as one JSON object a line.
    """

    def __init__(
        self, *, json_wanted: bool = False, quiet: bool = False, verbose: bool = False, json_log: bool = False
    ) -> None:
        self.json_wanted = json_wanted
        self.quiet = quiet
        from pvtop.cli.log import open_log

        open_log(quiet=quiet, verbose=verbose, as_json=json_log)

    @property
    def on_terminal(self) -> bool:
        """Whether somebody is watching, so that progress is drawn."""
        return not self.quiet and is_terminal(sys.stderr)

    def result(self, data: Any, lines: Iterator[str | Text]) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Print a command's outcome.

        Args:
            data: The outcome as JSON shows it.
            lines: The outcome as people read it; not asked for where JSON is wanted.
        """
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that cannot show a title shows its number
        with writing_stdout():
            if self.json_wanted:
                import json

                document = json.dumps(data, ensure_ascii=False, indent=1, default=str)
                print(printable_json(document))  # noqa: T201 - the result
            elif not self.quiet:
                print(_rendered(lines), end="")  # noqa: T201 - the result

    @contextlib.contextmanager
    def download(self, name: str) -> Iterator[Progress | None]:
        """Show a progress bar while a download runs, on a terminal only."""
        if not self.on_terminal:
            yield None
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as Bars

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task(name, total=None, visible=False)
            yield lambda done, total: bars.update(task, completed=done, total=total, visible=True)


def _rendered(lines: Iterator[str | Text]) -> str:
    """Draw lines as the terminal is able to; plainly where stdout is none."""
    return "".join(f"{printable(line)}\n" if isinstance(line, str) else _drawn(line) for line in lines)


def _drawn(line: Text) -> str:
    from rich.console import Console

    console = Console(soft_wrap=True)
    with console.capture() as captured:
        console.print(line)
    return captured.get()
