"""Download and parse projectviews: Wikimedia's own totals of an hour, a small file beside the dump."""

from __future__ import annotations

import re
from collections import Counter

from pvtop.core.errors import CorruptError, NotFoundError
from pvtop.core.hour import Hour
from pvtop.sources.source import Source

TOTAL_LINE = re.compile(r"(?P<code>[^ ]*) - (?P<views>[0-9]{1,18}) [0-9]+\r?")
SKIPPED_LINE = re.compile(r"(- [0-9]{1,18} [0-9]+)?\r?")


async def fetch_projectviews(hour: Hour, source: Source) -> dict[str, int]:
    """Download the projectviews of an hour.

    Returns:
        The views of each domain code. The empty code is the empty string.

    Raises:
        NotFoundError: The source does not have the file.
        CorruptError: The file is not a projectviews file.
        SourceError: The source cannot be read.
    """
    path = f"{hour.month_folder}/projectviews-{hour.stamp:%Y%m%d-%H}0000"
    try:
        return parse_projectviews(await source.text(path))
    except NotFoundError as error:
        raise NotFoundError(
            error.message,
            "projectviews are in the same folder as the dumps; use a source that has them",
            setting="source",
        ) from error
    except ValueError as error:
        raise CorruptError(
            f"{path} is not a projectviews file: {error}", "check the file, or use another source", setting="source"
        ) from error


def parse_projectviews(text: str) -> dict[str, int]:
    """Parse lines of the form `code - views 0`. The empty code may be written as two quotes.

    Blank lines are skipped. So are lines without a code, `- 17 0`: such lines are malformed in the dump, too, and until
    2023 both files lacked them.

    Returns:
        The views of each domain code.

    Raises:
        ValueError: A line has another form, or no line has a total.
    """
    views: Counter[str] = Counter()
    for number, line in enumerate(text.split("\n"), 1):
        if match := TOTAL_LINE.fullmatch(line):
            views["" if match["code"] == '""' else match["code"]] += int(match["views"])
        elif not SKIPPED_LINE.fullmatch(line):
            raise ValueError(f"its line {number:,} is not like 'en.m - 5000 0'")
    if not views:
        raise ValueError("it contains no line like 'en.m - 5000 0'")
    return dict(views)
