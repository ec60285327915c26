"""The command that lists the domains of an hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pvtop.cli.hours import Date, HourOfDay
from pvtop.cli.options import TABLES, command_options
from pvtop.cli.output import Output, Table, cut
from pvtop.cli.selection import DomainNames, chosen_domains, read_report
from pvtop.core.counted import counted
from pvtop.core.escape import printable
from pvtop.core.known_issues import known_issues

if TYPE_CHECKING:
    from rich.text import Text

    from pvtop.settings import Settings
    from pvtop.transform.report import Report

DOMAIN_COLUMNS = ("domain_code", "host", "project", "access", "pages", "views")


@command_options("output", *TABLES)
def domains(
    date: Date = None,
    hour: HourOfDay = None,
    domain: DomainNames = None,
    *,
    settings: Settings,
    out: Output,
) -> None:
    """List the domains of an hour, most viewed first. The default is the newest hour in the lake.

    For each domain, the list has the number of views and of viewed pages, its code, project, access and host. Pages
    and views include excluded pages. An empty or unknown code has neither host nor access. A code
    such as nl.m may also be the wiki of a chapter: the list then shows host and access of the mobile Wikipedia.

    The exit code is 3 if the hour is not in the lake.

    Examples:

      pvtop domains

      pvtop domains --domain "*.wiktionary.org"

      pvtop domains --date 2024-08-03 --hour 6 --csv
    """
    found = read_report(settings, date, hour)
    codes = chosen_domains(domain, found) if domain else None
    rows = list(_rows(found, codes))
    out.result(_data(found, rows), _lines(found, rows, out.width), _table(rows))


def _rows(report: Report, codes: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    """Yield the domains of a report, most viewed first: all of them, or those with these codes."""
    from pvtop.core.domain import Domain

    totals = report.domains.sort("views", "domain_code", descending=[True, False])
    for row in totals.select("domain_code", "pages", "views").iter_rows(named=True):
        if codes is None or row["domain_code"] in codes:
            domain = Domain.of(row["domain_code"])
            yield row | {"host": domain.host, "project": domain.project, "access": domain.access}


def _data(report: Report, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    facts = report.provenance
    notes = [str(issue) for issue in known_issues([report.hour])]
    domains = [{name: row[name] for name in DOMAIN_COLUMNS} for row in rows]
    return {"hour": report.hour.iso, "start": facts.start, "end": facts.end, "notes": notes, "domains": domains}


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    yield DOMAIN_COLUMNS
    for row in rows:
        yield [row[name] for name in DOMAIN_COLUMNS]


def _lines(report: Report, rows: Sequence[dict[str, Any]], width: int | None) -> Iterator[str | Text]:
    from rich.text import Text

    yield f"{report.hour}, views from {report.hour.start:%H:%M} to {report.hour.stamp:%H:%M} UTC"
    for issue in known_issues([report.hour]):
        yield f"Note: {issue}"
    yield ""
    yield cut(Text(f"{'views':>10}  {'pages':>9}  code  project  access  host"), width)
    for row in rows:
        yield cut(Text(f"{row['views']:>10,}  {row['pages']:>9,}  {_described(row)}"), width)
    yield counted(len(rows), "domain")


def _described(row: dict[str, Any]) -> str:
    """Return what a domain is. The host comes last, because the rest still tells it if a terminal cuts it."""
    names = row["domain_code"] or '""', row["project"], row["access"], row["host"]
    return printable("  ".join(filter(None, names)))
