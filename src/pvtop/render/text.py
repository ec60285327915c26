"""Render a report as text."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pvtop.core.domain import Domain
from pvtop.core.escape import UNSAFE_CHARACTERS, printable
from pvtop.core.known_issues import known_issues
from pvtop.transform.report import Report


def render_text(report: Report) -> str:
    """Return the text report."""
    head = pl.Series(list(_head(report)), dtype=pl.String)
    return str(pl.concat([head, _entry_lines(report)]).str.join("\n").item()) + "\n"


def _head(report: Report) -> Iterator[str]:
    provenance = report.provenance
    yield f"Top {provenance.top} pages per domain"
    yield f"Dump {report.hour}, views from {report.hour.start:%H:%M} to {report.hour.stamp:%H:%M} UTC"
    yield (
        f"{provenance.domains:,} domains, {provenance.entries:,} entries; "
        f"{provenance.rows:,} pages with {provenance.views:,} views read; "
        f"{provenance.blacklisted_rows:,} pages on the blacklist, {provenance.unknown_rows:,} unknown, "
        f"{provenance.malformed:,} malformed lines"
    )
    for issue in known_issues([report.hour]):
        yield f"Note: {issue}"


def _entry_lines(report: Report) -> pl.Series:
    r"""Return the text of each entry. The first entry of a domain begins with a blank line and the heading.

    Builds the text from whole columns, which is faster than row by row. An example:

    ```
    domain_code  rank  page_title  views    text
    de.m            1  Tab\there        9   "\nde.m  de.m.wikipedia.org  mobile\n   1           9  Tab\\x09here"
    en              1  Main_Page   382051   "\nen  en.wikipedia.org  desktop\n   1     382,051  Main_Page"
    en              2  Climate      36183   "   2      36,183  Climate"
    ```
    """
    codes, ranks, titles, views = report.top_pages.get_columns()
    is_first = codes.ne_missing(codes.shift())
    headings = [f"\n{printable(Domain.of(code).heading)}\n" for code in codes.filter(is_first)]
    above = pl.repeat("", len(codes), dtype=pl.String, eager=True).scatter(is_first.arg_true(), headings)
    counts = views.unique()
    formatted = views.replace_strict(counts, [f" {count:>11,}  " for count in counts])
    formatted = formatted.cast(pl.String)  # a report without entries has no strings to infer this from
    unsafe = titles.str.contains(UNSAFE_CHARACTERS).arg_true()
    titles = titles.scatter(unsafe, [printable(title) for title in titles.gather(unsafe)])
    return above + ranks.cast(pl.String).str.pad_start(4) + formatted + titles
