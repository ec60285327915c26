"""Which pages are meant: the one place that reads PAGE and --from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from pvtop.core.errors import UsageError
from pvtop.core.page import Page
from pvtop.storage.regular_file import open_regular

STDIN = "-"

PageNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PAGE", help="A page: code:title, as en:Climate, or the address of an article.", show_default=False
    ),
]
PagesFile = Annotated[
    str | None,
    typer.Option("--from", metavar="FILE", help="Read pages from a file, one a line, in UTF-8; - is stdin."),
]


def chosen_pages(names: Sequence[str], file: str | None) -> list[Page]:
    """Return the pages that the arguments and the lines of a file name.

    Raises:
        UsageError: There are none, one cannot be parsed, or the file cannot be read.
    """
    pages = [*map(Page.parse, names), *(_pages_of(file) if file is not None else ())]
    if not pages:
        where = f"{_shown(file)} names no page" if file is not None else "no page is given"
        raise UsageError(where, "name pages, such as en:Climate, or a file with one page a line (--from)")
    return pages


def _pages_of(file: str) -> Iterator[Page]:
    """Yield the pages of a file. Skip blank lines.

    Raises:
        UsageError: The file cannot be read, or a line is not a page. The message names the line.
    """
    for number, line in enumerate(_content(file).removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            try:
                yield Page.parse(line.decode().strip(" \t\r"))
            except UnicodeDecodeError as error:
                raise UsageError(f"{_shown(file)}, line {number}: it is not UTF-8", "save the file as UTF-8") from error
            except UsageError as error:
                raise UsageError(f"{_shown(file)}, line {number}: {error.message}", error.hint) from error


def _content(file: str) -> bytes:
    try:
        if file != STDIN:
            with open_regular(Path(file)) as opened:
                return opened.read()
        if sys.stdin is None:
            raise UsageError("cannot read stdin: it is closed", "name a file")
        return sys.stdin.buffer.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {_shown(file)}: {reason}", "check the file and its permissions") from error


def _shown(file: str) -> str:
    return "stdin" if file == STDIN else file
