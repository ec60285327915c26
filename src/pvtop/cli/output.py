"""What a command says: results on stdout, for people or as JSON; all else on stderr."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.download import Progress


class Output:
    """Where a command's outcome goes.

    Args:
        json_wanted: One JSON document on stdout instead of text.
        quiet: Nothing but errors.
        verbose: Details in the log.
    """

    def __init__(self, *, json_wanted: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.json_wanted = json_wanted
        self.quiet = quiet
        level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO
        logger = logging.getLogger("pvtop")
        logger.handlers = [_StderrHandler()]
        logger.setLevel(level)
        logging.getLogger("stamina").addHandler(logging.NullHandler())  # its retries are in pvtop's own log

    def result(self, data: Any, lines: Iterator[str | Text]) -> None:  # noqa: ANN401 - whatever JSON can hold
        """Print a command's outcome.

        Args:
            data: The outcome as JSON shows it.
            lines: The outcome as people read it; not asked for where JSON is wanted.
        """
        if self.json_wanted:
            print(json.dumps(data, ensure_ascii=False, indent=1, default=str))  # noqa: T201 - the result
        elif not self.quiet:
            from rich.console import Console

            console = Console(emoji=False, markup=False, highlight=False, soft_wrap=True)
            for line in lines:
                console.print(line)

    @contextlib.contextmanager
    def download(self, name: str) -> Iterator[Progress | None]:
        """Show a progress bar while a download runs, on a terminal only."""
        if self.quiet or not sys.stderr.isatty():
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


class _StderrHandler(logging.Handler):
    """Log to what is stderr at the moment, so that lines stand above a progress bar rather than in it."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        print(f"{prefix}{self.format(record)}", file=sys.stderr)  # noqa: T201 - the log
