"""The options that commands share, and how their values are read."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer


def duration(text: str) -> timedelta:
    """Read a duration such as `7d`."""
    from pvtop.settings import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}") from None


def size(text: str) -> int:
    """Read a size such as `20GB`."""
    from pydantic import TypeAdapter, ValidationError

    from pvtop.settings import Size

    try:
        return TypeAdapter[int](Size).validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text!r} must be a size such as 20GB, 500MB or 1GiB") from None


class Format(StrEnum):
    """How a log is written."""

    TEXT = "text"
    JSON = "json"


Date = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Day of the stamp, in UTC.")]
HourOfDay = Annotated[
    int | None,
    typer.Option("--hour", metavar="0-23", help="Hour of the stamp, which is the END of the hour counted."),
]
Source = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Where dumps are: https address, folder or fsspec address.",
        show_default="Wikimedia",
    ),
]
Blacklist = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="The blacklist: address, path, or none.", show_default="the public one"),
]
Output = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="The lake: folder or fsspec address.", show_default="reports"),
]
CacheDir = Annotated[
    str | None,
    typer.Option(metavar="FOLDER", help="Where downloads are kept.", show_default="the user's cache"),
]
Top = Annotated[int | None, typer.Option(metavar="N", help="Pages per domain.", show_default="25")]
KeepUnknown = Annotated[bool | None, typer.Option("--keep-unknown", help="Rank pages titled '-' (unknown), too.")]
Force = Annotated[bool | None, typer.Option("--force", help="Compute again what is done.")]
CheckSource = Annotated[
    bool | None, typer.Option("--check-source", help="Look up whether the source's file has changed since.")
]
RefreshDump = Annotated[bool | None, typer.Option("--refresh-dump", help="Download the dump again.")]
RefreshBlacklist = Annotated[bool | None, typer.Option("--refresh-blacklist", help="Download the blacklist again.")]
NoValidate = Annotated[bool | None, typer.Option("--no-validate", help="Complete a report that breaks the rules, too.")]
ExpectWhole = Annotated[
    bool | None,
    typer.Option(
        "--expect-whole/--no-expect-whole",
        help="Refuse what cannot be a whole dump.",
        show_default="for Wikimedia and its mirrors",
    ),
]
Contact = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="E-mail or address for the User-Agent; Wikimedia requires it."),
]
Start = Annotated[
    str | None, typer.Option(metavar="STAMP", help="First stamp, 2024-08-03T00, or a date for its first.")
]
End = Annotated[str | None, typer.Option(metavar="STAMP", help="Last stamp, 2024-08-03T23, or a date for its last.")]
Last = Annotated[int | None, typer.Option(min=1, metavar="N", help="The N newest published hours.")]
HoursOfDay = Annotated[
    str | None, typer.Option("--hours", metavar="LIST", help="Only these hours of each day: 0,6,12-17.")
]
Statsd = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Send metrics to this DogStatsD server.")]
LogFormat = Annotated[Format, typer.Option(help="How the log on stderr is written.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log details, and tracebacks of failures.")]
