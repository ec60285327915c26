"""Which report and which domains are meant: the one place that reads --domain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from pvtop.cli.completion import complete_domains
from pvtop.cli.hours import hour_in_lake
from pvtop.core.errors import NotInLakeError, UsageError
from pvtop.core.escape import shorten
from pvtop.core.hour import described
from pvtop.core.period import Period, PeriodKind

if TYPE_CHECKING:
    from pvtop.settings import Settings
    from pvtop.transform.report import Report
    from pvtop.transform.rollup import Rollup

DomainNames = Annotated[
    list[str] | None,
    typer.Option(
        "--domain",
        metavar="DOMAIN",
        help="Code (en.m), host (en.wikipedia.org) or pattern (*.m); several with commas. Repeatable.",
        autocompletion=complete_domains,
    ),
]
SIMILAR = 5  # names in a hint
LARGEST = 5


def read_report(settings: Settings, date: str | None, hour: int | None) -> Report:
    """Read the report that --date and --hour mean. The default is the newest hour in the lake.

    Raises:
        NotInLakeError: The report is not in the lake.
        OutputError: The lake cannot be read.
    """
    from pvtop.lake.lake import Lake

    lake = Lake.of(settings)
    wanted = hour_in_lake(lake, date, hour)
    if wanted is None:
        raise NotInLakeError(f"the lake {lake.path('')} has no report{described(date, hour)}", remedy="make_report")
    return lake.read(wanted)


def read_rollup(settings: Settings, period: Period, *, merged: bool) -> Rollup:
    """Read the rollup of a period.

    Raises:
        NotInLakeError: It is not in the lake.
        OutputError: The lake cannot be read.
    """
    from pvtop.lake.lake import Lake

    lake = Lake.of(settings)
    found = lake.rollup(period, merged=merged)
    if found is None:
        what = f"rollup of {period}{' with merged access' if merged else ''}"
        hint = f"make it: {_command(period, merged=merged)}, or name another lake with --output"
        raise NotInLakeError(f"the lake {lake.path('')} has no {what}", hint)
    return found


def _command(period: Period, *, merged: bool) -> str:
    """Return the command that makes a rollup."""
    match period.kind:
        case PeriodKind.RANGE:
            hours = f"--start {period.first.iso} --end {period.last.iso}"
        case kind:
            hours = f"--{kind} {period}"
    return f"pvtop rollup {hours}{' --merge-access' if merged else ''}"


def chosen_domains(names: Sequence[str], report: Report | Rollup) -> list[str]:
    """Return the codes of a report or a rollup that match `names`, in the order of `names`, without duplicates.

    Matching ignores case, but a name that equals a code matches only that code. The empty name is the empty code.

    Raises:
        UsageError: A name fits none of its domains.
    """
    return matching_codes(
        names, report.domains.get_column("domain_code").sort(), report.period, report.largest_domains(LARGEST)
    )


def matching_codes(names: Sequence[str], codes: Iterable[str], what: object, largest: Sequence[str]) -> list[str]:
    """Return the codes that match `names`, as `chosen_domains` does.

    Args:
        names: The values of --domain.
        codes: The known codes, in order.
        what: What has these domains, for the message.
        largest: Some known codes to suggest.

    Raises:
        UsageError: A name fits no code.
    """
    from pvtop.core.domain import Domain

    by_name: dict[str, list[str]] = {}
    for code in codes:
        for name in Domain.of(code).names:
            by_name.setdefault(name.casefold(), []).append(code)
    chosen: dict[str, None] = {}
    for name in _written(names):
        if not (found := _matching(name, by_name)):
            raise UsageError(f"{what} has no domain {shorten(name)!r}", _advice(name, by_name, largest))
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _written(names: Sequence[str]) -> list[str]:
    """Return the names in the values of --domain.

    Raises:
        UsageError: There is none.
    """
    parts = [part.strip() for value in names for part in value.split(",") if part.strip()]
    if not parts:
        raise UsageError("--domain names no domain", 'write "" in quotes of their own for the empty code')
    return ["" if part == '""' else part for part in parts]


def _matching(name: str, by_name: dict[str, list[str]]) -> list[str]:
    """Return the codes that a name or a pattern means."""
    folded = name.casefold()
    if found := by_name.get(folded):
        return [name] if name in found else found
    if set(name).isdisjoint("*?["):
        return []
    return [code for known, codes in by_name.items() if fnmatchcase(known, folded) for code in codes]


def _advice(name: str, known: Iterable[str], largest: Sequence[str]) -> str:
    """Return the advice for a name that fits no domain: similar names, or the most viewed domains."""
    from difflib import get_close_matches

    similar = get_close_matches(name.casefold(), filter(None, known), SIMILAR)
    words = "similar domains are" if similar else "it has, for example,"
    return f"{words} {', '.join(repr(shorten(other)) for other in similar or largest)}"
