"""The command that validates the reports in a lake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pvtop.cli.hints import hint
from pvtop.cli.hours import Date, End, HourOfDay, LastInLake, Start, hours_in_lake
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, Table, failed, number_of_hours, runs
from pvtop.core.errors import NotInLakeError
from pvtop.core.escape import printable, shorten
from pvtop.core.hour import Hour, described
from pvtop.core.states import HourState

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

    from pvtop.lake.lake import Lake
    from pvtop.pipeline.audit import AuditOptions, AuditResult
    from pvtop.settings import Settings

SHOWN = 10  # rows that break a rule


@command_options(
    "source", "blacklist", "cache_dir", "offline", "expect_whole", "output", "contact", *TABLES,
    blacklist="the one that the report was made with",
)  # fmt: skip
def validate(
    date: Date = None,
    hour: HourOfDay = None,
    start: Start = None,
    end: End = None,
    last: LastInLake = None,
    *,
    totals: Annotated[
        bool, typer.Option("--totals", help="Compare each domain's views with the projectviews file of the source.")
    ] = False,
    against_dump: Annotated[
        bool, typer.Option("--against-dump", help="Recount some domains from each hour's dump.")
    ] = False,
    domains: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of random domains that --against-dump recounts.")
    ] = 5,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Random seed for choosing the domains. Pass the same seed to check the same ones.",
            show_default="random",
        ),
    ] = None,
    settings: Settings,
    out: Output,
) -> None:
    """Check reports in the lake against the rules that every report must meet.

    The default is the newest hour in the lake.

    Every report is checked before it is written. This command checks it again. It can also compare it with the source.

    The exit code is 5 if a report breaks a rule, and 3 if none of the requested hours is in the lake.

    If the source lacks the file for --totals or --against-dump, or the file cannot be read or has changed, the report
    cannot be compared. It may still be valid. The exit code is then 1.

    Examples:

      pvtop validate

      pvtop validate --start 2024-08-01 --end 2024-08-31 --output s3://bucket/lake

      pvtop validate --date 2024-08-03 --hour 6 --totals --against-dump
    """
    import random

    from pvtop.cli.progress import waiting
    from pvtop.lake.lake import Lake
    from pvtop.pipeline.audit import AuditOptions, audit
    from pvtop.validation.rules import raise_for_violations

    lake = Lake.of(settings)
    wanted = hours_in_lake(lake, date, hour, start, end, last)
    seed = random.randrange(10**6) if seed is None else seed  # noqa: S311 - a sample, not a secret
    checks = AuditOptions(totals, domains if against_dump else 0, seed)
    with waiting(out, f"checking {number_of_hours(len(wanted))}"):
        found = audit(wanted, settings, checks)
    if not any(result.in_lake for result in found):
        raise _nothing(lake, wanted, described(date, hour))
    out.result(_data(found, checks, out.options), _lines(found, checks, out.options), _table(found))
    raise_for_violations({result.hour: result.violations for result in found}, "", remedy="remake_report")
    if uncompared := [error for result in found for error in result.uncompared]:
        raise uncompared[0]


def _nothing(lake: Lake, wanted: Sequence[Hour], chosen: str) -> NotInLakeError:
    """Return the error for a lake that has none of the hours. If no hour fits, it names what was chosen."""
    match wanted:
        case []:
            when = chosen
        case [one]:
            when = f" of {one}"
        case [first, *_, final]:
            when = f" of {first} to {final}"
    return NotInLakeError(f"the lake {lake.path('')} has no report{when}", remedy="status")


def _verdict(result: AuditResult) -> str:
    if not result.in_lake:
        return HourState.MISSING
    return "not valid" if result.violations else "could not be compared" if result.uncompared else "valid"


def _data(found: Sequence[AuditResult], checks: AuditOptions, options: Mapping[str, str]) -> dict[str, Any]:
    return {
        "counts": dict(sorted(Counter(map(_verdict, found)).items())),
        "seed": checks.seed if checks.recount else None,
        "hours": [
            {
                "hour": result.hour.iso,
                "result": _verdict(result),
                "violations": [
                    {"rule": violation.rule, "rows": violation.rows.to_dicts()} for violation in result.violations
                ],
                "uncompared": [
                    {"error": str(error), "hint": hint(error, options), "exit_code": error.exit_code}
                    for error in result.uncompared
                ],
                "notes": list(result.notes),
                "recounted": list(result.recounted),
            }
            for result in found
        ],
    }


def _table(found: Sequence[AuditResult]) -> Table:
    yield "hour", "result", "broken_rules", "not_compared", "notes"
    for result in found:
        rules = [violation.rule for violation in result.violations]
        details = (rules, map(str, result.uncompared), result.notes)
        yield result.hour.iso, str(_verdict(result)), *("; ".join(texts) for texts in details)


def _lines(found: Sequence[AuditResult], checks: AuditOptions, options: Mapping[str, str]) -> Iterator[str | Text]:
    for in_lake, results in groupby(found, key=lambda result: result.in_lake):
        if in_lake:
            for result in results:
                yield from _result_lines(result, checks, options)
        else:
            yield from runs([result.hour for result in results], HourState.MISSING.label)
    counts = sorted(Counter(map(_verdict, found)).items())
    yield f"{number_of_hours(len(found))}: {', '.join(f'{count:,} {verdict}' for verdict, count in counts)}"


def _result_lines(result: AuditResult, checks: AuditOptions, options: Mapping[str, str]) -> Iterator[str | Text]:
    """Yield the lines of an hour in the lake."""
    from pvtop.core.domain import Domain

    head = f"{result.hour.iso}  {_verdict(result)}"
    yield failed(head) if result.violations else head
    for violation in result.violations:
        yield f"  breaks the rule: {violation.rule}"
        yield from _violations(violation.rows)
    for error in result.uncompared:
        yield f"  not compared: {error}"
        if advice := hint(error, options):
            yield f"    {advice}"
    for note in result.notes:
        yield f"  {note}"
    if result.recounted:
        codes = ", ".join(printable(shorten(Domain.of(code).label)) for code in result.recounted)
        yield f"  recounted: {codes} (--seed {checks.seed})"


def _violations(violations: pl.DataFrame) -> Iterator[str]:
    """Yield the lines of a table with the first rows, numbers to the right."""
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
    if value == "":
        return '""'
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else shorten(str(value))
