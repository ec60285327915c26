"""The options that commands share, and how their values are read."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
SIZES = {
    "": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}


def duration(text: str) -> timedelta:
    """Read `7d`, `12h`, `30m`, `90s` or `2w`."""
    if match := re.fullmatch(r"(\d{1,6})([smhdw])", text.strip().lower(), re.ASCII):
        return timedelta(seconds=int(match[1]) * UNITS[match[2]])
    raise typer.BadParameter(f"{text!r} is not a duration such as 7d, 12h or 30m")


def size(text: str) -> int:
    """Read `20GB`, `500MB`, `1.5GiB` or a number of bytes."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]i?b)?", text.strip().lower(), re.ASCII)
    if match:
        return int(float(match[1]) * SIZES[match[2] or ""])
    raise typer.BadParameter(f"{text!r} is not a size such as 20GB, 500MB or 1GiB")


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
    Path | None,
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
Contact = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="E-mail or address for the User-Agent; Wikimedia requires it."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log details, and tracebacks of failures.")]
