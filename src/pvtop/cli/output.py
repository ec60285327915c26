"""The result of a command on stdout, as text, JSON or CSV. Everything else goes to stderr."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pvtop.cli.streams import LogFormat, can_draw, is_terminal, writing_stdout
from pvtop.core.counted import counted
from pvtop.core.day import Day, day_range
from pvtop.core.errors import UsageError
from pvtop.core.escape import UNSAFE_CHARACTERS, printable, printable_json
from pvtop.core.hour import Hour, count_hours, runs_of, span
from pvtop.core.sparkline import BLOCKS, sparkline

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

HourOrDay = TypeVar("HourOrDay", Hour, Day)
Table = Iterable[Sequence[object]]
RUNS_SHOWN = 20
ASCII_BLOCKS = "_.:-=+*#"


class Output:
    """Where the result of a command goes.

    Args:
        json: Print one JSON document instead of text.
        csv: Print a table as CSV instead of text.
        quiet: Print nothing but errors.
        verbose: Log details.
        log_format: The format of the log.
        options: The settings for which the command has an option, with that option.

    Raises:
        UsageError: Both JSON and CSV are wanted.
    """

    def __init__(
        self,
        *,
        json: bool = False,
        csv: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        log_format: LogFormat = LogFormat.TEXT,
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        from pvtop.cli.log import open_log

        if json and csv:
            raise UsageError("--json cannot be combined with --csv", "give one of them")
        self.log_format = log_format
        self.options = options
        self._json = json
        self._csv = csv
        self._quiet = quiet
        self._has_result = False
        open_log(quiet=quiet, verbose=verbose, log_format=log_format)

    @property
    def on_terminal(self) -> bool:
        """Whether progress is shown: stderr is a terminal, and its text is for people."""
        return not self._quiet and self.log_format is LogFormat.TEXT and is_terminal(sys.stderr)

    @property
    def width(self) -> int | None:
        """The columns of the terminal that stdout is, None if it is none."""
        return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None

    def result(
        self,
        data: Any,  # noqa: ANN401 - whatever JSON can represent
        lines: Iterator[str | Text],
        table: Table | pl.DataFrame | None = None,
    ) -> None:
        """Print the result of a command.

        Args:
            data: The result for JSON, or a function that returns it.
            lines: The result as text. Not read if JSON or CSV is wanted.
            table: The result as rows for CSV, the first of them with the names of the columns; or as a frame, which
                is much faster if there are many rows.

        Raises:
            OutputError: stdout cannot be written.
        """
        self._has_result = True
        if self._json:
            _print(_document(data() if callable(data) else data))
        elif self._csv and table is not None:
            _print(_comma_separated(table), encoding="utf-8")
        elif not self._quiet:
            _print(_rendered(lines))

    def failure(self, data: Any) -> None:  # noqa: ANN401 - whatever JSON can represent
        """Print why a command failed, if JSON is wanted and no result was printed: there is one document only.

        Raises:
            OutputError: stdout cannot be written.
        """
        if self._json and not self._has_result:
            _print(_document(data))


def number_of_hours(count: int) -> str:
    """Return a number of hours as text: `1 hour`, `1,024 hours`."""
    return counted(count, "hour")


def _print(text: str, encoding: str | None = None) -> None:
    """Print to stdout, in an encoding or in that of the terminal, which may lack a character."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")
    with writing_stdout():
        print(text, end="")  # noqa: T201 - the result


def _document(data: Any) -> str:  # noqa: ANN401 - whatever JSON can represent
    import json

    return printable_json(json.dumps(data, ensure_ascii=False, indent=1, default=str)) + "\n"


def _comma_separated(table: Table | pl.DataFrame) -> str:
    """Return rows as CSV. Text is escaped as on screens, because editors and terminals show CSV, too."""
    import csv

    if hasattr(table, "write_csv"):  # so that Polars is not imported for the tables of other commands
        return _escaped_frame(cast("pl.DataFrame", table)).write_csv()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([printable(cell) if isinstance(cell, str) else cell for cell in row] for row in table)
    return text.getvalue()


def _escaped_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with its text escaped. Each text is escaped once, however many rows it has."""
    import polars as pl

    for column in frame.select(pl.col(pl.String)).get_columns():
        texts = column.unique()
        escaped = {text: printable(text) for text in texts.filter(texts.str.contains(UNSAFE_CHARACTERS))}
        frame = frame.with_columns(column.replace(escaped)) if escaped else frame
    return frame


def number_of_days(count: int) -> str:
    """Return a number of days as text: `1 day`, `1,024 days`."""
    return counted(count, "day")


def runs(times: Sequence[HourOrDay], what: str, reason: str = "") -> Iterator[str]:
    """Yield a line for each run of consecutive hours or days: `46 hours missing: 2024-08-01T00 to 2024-08-02T21`."""
    found = runs_of(times)
    for first, last in found[:RUNS_SHOWN]:
        yield run(first, last, what, reason)
    if more := found[RUNS_SHOWN:]:
        yield f"and {counted(len(more), 'more such period')}; --json has them all"


def run(first: HourOrDay, last: HourOrDay, what: str, reason: str = "") -> str:
    """Return the line for a run of consecutive hours or days.

    It is `1 hour missing: 2024-08-01T00`, or `1 hour to make: not in the lake (2024-08-01T00)` if there is a reason.
    """
    head, times = f"{_length(first, last)} {what}", span(first, last)
    return f"{head}: {reason} ({times})" if reason else f"{head}: {times}"


def _length(first: HourOrDay, last: HourOrDay) -> str:
    if isinstance(first, Hour):
        return number_of_hours(count_hours(first, last))
    return number_of_days(len(day_range(first, last)))


def drawn_blocks(values: Sequence[int | None], width: int) -> str:
    """Return numbers as a sparkline. Uses ASCII if stdout lacks the blocks."""
    return sparkline(values, width, BLOCKS if can_draw(BLOCKS) else ASCII_BLOCKS)


def failed(line: str) -> Text:
    """Return a line about a failure, in colour if stdout shows colours."""
    from rich.text import Text

    return Text(printable(line), style="bold red")


def cut(line: Text, width: int | None) -> Text:
    """Return a line that fits into a terminal, with an ellipsis if it is cut. Elsewhere, lines stay as they are."""
    if width is not None:
        line.truncate(width, overflow="ellipsis" if can_draw("…") else "crop")
    return line


def _rendered(lines: Iterator[str | Text]) -> str:
    """Return lines as the terminal can show them, or plain if stdout is not a terminal."""
    return "".join(f"{printable(line)}\n" if isinstance(line, str) else _drawn(line) for line in lines)


def _drawn(line: Text) -> str:
    from rich.console import Console

    console = Console(soft_wrap=True)
    with console.capture() as captured:
        console.print(line)
    return captured.get()
