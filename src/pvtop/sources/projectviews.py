"""Projectviews: Wikimedia's own sums of an hour, a small file beside the dump, to check a report's totals against."""

from __future__ import annotations

import re
from collections import Counter

from pvtop.core.errors import CorruptError, NotFoundError
from pvtop.core.escape import shorten
from pvtop.core.hour import Hour
from pvtop.sources.source import Source

LINE = re.compile(r"(?P<code>[^ ]*) - (?P<views>[0-9]{1,18}) [0-9]+\r?")
PASSED_OVER = re.compile(r"(- [0-9]{1,18} [0-9]+)?\r?")


async def fetch_projectviews(hour: Hour, source: Source) -> dict[str, int]:
    """Fetch the projectviews of an hour from a source.

    Returns:
        The views of each domain code; the empty code as the empty string.

    Raises:
        MissingError: The source does not hold them.
        CorruptError: The file is none of projectviews.
        SourceError: The source cannot be read.
    """
    path = f"{hour.month_folder}/projectviews-{hour.stamp:%Y%m%d-%H}0000"
    try:
        return parse_projectviews(await source.text(path))
    except NotFoundError as error:
        raise NotFoundError(error.message, "they lie beside the dumps; --source names where") from error
    except ValueError as error:
        raise CorruptError(f"{path} is no projectviews file: {error}", "look at the source") from error


def parse_projectviews(text: str) -> dict[str, int]:
    """Read lines `code - views 0`, where the empty code may be written as two quotes. Blank lines are passed over.

    So is a project without a code, which was left out altogether until 2023, `- 17 0`, here as in the dump, where its
    lines are malformed.

    Raises:
        ValueError: A line is none of these, or there is none at all.
    """
    views: Counter[str] = Counter()
    for line in text.split("\n"):
        if match := LINE.fullmatch(line):
            views["" if match["code"] == '""' else match["code"]] += int(match["views"])
        elif not PASSED_OVER.fullmatch(line):
            raise ValueError(f"it has the line {shorten(line)!r}")
    if not views:
        raise ValueError("it has no line like 'en.m - 5000 0'")
    return dict(views)
