"""The command that validates the reports in a lake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli import options
from pvtop.cli.batch import read_range
from pvtop.cli.output import Output
from pvtop.cli.reports import read_hour
from pvtop.core.errors import NotInLakeError, NotPublishedError, UsageError
from pvtop.core.hour import Hour

if TYPE_CHECKING:
    import polars as pl

    from pvtop.lake.lake import Lake
    from pvtop.pipeline.audit import AuditOptions, AuditResult

SHOWN = 10  # rows of what breaks a rule
HINT = "pvtop report --force makes an hour again"


def validate(
    date: options.Date = None,
    hour: options.HourOfDay = None,
    start: options.Start = None,
    end: options.End = None,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="The N newest hours in the lake.")] = None,
    source: options.Source = None,
    blacklist: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="The blacklist.", show_default="the one that a report was made with"),
    ] = None,
    output: options.Output = None,
    cache_dir: options.CacheDir = None,
    *,
    expect_whole: options.ExpectWhole = None,
    totals: Annotated[
        bool, typer.Option("--totals", help="Compare each domain's views with the source's projectviews file.")
    ] = False,
    against_dump: Annotated[
        bool,
        typer.Option("--against-dump", help="Count some domains of each hour anew, from the dump it was made from."),
    ] = False,
    domains: Annotated[int, typer.Option(min=1, metavar="N", help="How many, chosen at random.")] = 5,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Choose the same ones again.", show_default="another each time")
    ] = None,
    contact: options.Contact = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Hold reports in the lake to every rule: the newest hour, the one that is named, or a range.

    Every hour does this by itself before it is completed; here is how to do it again, and to compare with the source.
    Exit code 5 where a report breaks a rule, 3 where the lake holds none of the hours.

    Where the projectviews, the dump that a report was made from, or its blacklist cannot be had, the hour could not be
    compared, which says nothing about the report: exit code 3 where the dump is not published, 1 otherwise.

    Examples:

      pvtop validate

      pvtop validate --start 2024-08-01 --end 2024-08-31 --output s3://bucket/lake

      pvtop validate --date 2024-08-03 --hour 6 --totals --against-dump
    """
    out = Output(json_wanted=json, quiet=quiet, verbose=verbose)
    import random

    from pvtop.lake.lake import Lake
    from pvtop.pipeline.audit import AuditOptions, audit
    from pvtop.settings import Settings
    from pvtop.validation.rules import raise_for_violations

    settings = Settings.load(
        source=source, blacklist=blacklist, output=output, cache_dir=cache_dir, expect_whole=expect_whole,
        contact=contact,
    )  # fmt: skip
    lake = Lake(settings.output, settings.timeout)
    wanted = _choose(lake, date, hour, start, end, last)
    seed = random.randrange(10**6) if seed is None else seed  # noqa: S311 - a sample, not a secret
    checks = AuditOptions(totals, domains if against_dump else 0, seed)
    found = audit(wanted, settings, checks)
    if not any(validity.in_lake for validity in found):
        raise _nothing(lake, wanted)
    out.result(_data(found, checks), _lines(found, checks))
    raise_for_violations({validity.hour: validity.violations for validity in found}, HINT)
    if uncompared := [error for validity in found for error in validity.uncompared]:
        raise max(uncompared, key=lambda error: not isinstance(error, NotPublishedError))


def _choose(
    lake: Lake, date: str | None, hour: int | None, start: str | None, end: str | None, last: int | None
) -> list[Hour]:
    """Read which hours are meant; none where the lake has none of that time.

    Raises:
        UsageError: The options contradict each other, or one cannot be read.
        OutputError: The lake cannot be read.
    """
    if (date is not None or hour is not None) + bool(start or end) + (last is not None) > 1:
        raise UsageError(
            "an hour, a range and --last exclude each other", "give --date and --hour, or --start, or --last"
        )
    if wanted := read_range(start, end):
        return wanted
    if last is not None:
        return lake.last(last)
    day, one = read_hour(date, hour)
    one = one or lake.newest(day, hour)
    return [one] if one else []


def _nothing(lake: Lake, wanted: Sequence[Hour]) -> NotInLakeError:
    match wanted:
        case []:
            when = "that time"
        case [one]:
            when = str(one)
        case [first, *_, final]:
            when = f"{first} to {final}"
    return NotInLakeError(f"the lake {lake.path('')} holds no report of {when}", "pvtop status shows what it holds")


def _state(validity: AuditResult) -> str:
    if not validity.in_lake:
        return "not done"
    return "not valid" if validity.violations else "could not be compared" if validity.uncompared else "valid"


def _data(found: Sequence[AuditResult], checks: AuditOptions) -> dict[str, Any]:
    return {
        "counts": dict(sorted(Counter(map(_state, found)).items())),
        "seed": checks.seed if checks.recount else None,
        "hours": [
            {
                "hour": validity.hour.iso,
                "state": _state(validity),
                "failures": [
                    {"rule": failure.rule, "violations": failure.rows.to_dicts()} for failure in validity.violations
                ],
                "uncompared": [
                    {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}
                    for error in validity.uncompared
                ],
                "notes": list(validity.notes),
                "recounted": list(validity.recounted),
            }
            for validity in found
        ],
    }


def _lines(found: Sequence[AuditResult], checks: AuditOptions) -> Iterator[str]:
    from pvtop.core.domain import Domain
    from pvtop.core.escape import printable, shorten

    for validity in found:
        yield f"{validity.hour.iso}  {_state(validity)}"
        for failure in validity.violations:
            yield f"  {failure.rule}, but:"
            yield from _table(failure.rows)
        for error in validity.uncompared:
            yield f"  not compared: {error}"
            if error.hint:
                yield f"    {error.hint}"
        for note in validity.notes:
            yield f"  {note}"
        if validity.recounted:
            codes = ", ".join(printable(shorten(Domain.of(code).label)) for code in validity.recounted)
            yield f"  counted anew: {codes} (--seed {checks.seed})"
    counts = sorted(Counter(map(_state, found)).items())
    yield f"{len(found):,} hours: {', '.join(f'{count:,} {state}' for state, count in counts)}"


def _table(violations: pl.DataFrame) -> Iterator[str]:
    """Lay out the first rows of a table, numbers to the right."""
    from pvtop.core.escape import printable

    columns = []
    for column in violations.head(SHOWN):
        numeric = column.dtype.is_numeric()
        cells = [column.name, *(_cell(value) for value in column)]
        width = max(map(len, cells))
        columns.append([printable(cell).rjust(width) if numeric else printable(cell).ljust(width) for cell in cells])
    for row in zip(*columns, strict=True):
        yield ("    " + "  ".join(row)).rstrip()
    if len(violations) > SHOWN:
        yield f"    and {len(violations) - SHOWN:,} more; --json has them all"


def _cell(value: object) -> str:
    from pvtop.core.escape import shorten

    if value == "":
        return '""'
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else shorten(str(value))
