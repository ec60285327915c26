"""What a report and a rollup have in common: ranked pages, and the totals of the domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import polars as pl

from pvtop.core.counted import counted
from pvtop.core.domain import Domain
from pvtop.core.html import Heading, Link, Row, table

SHOWN = 5  # domains in a notebook, and pages of each


class RankedPages:
    """Ranked pages and domain totals, as `Report` and `Rollup` have them."""

    __slots__ = ()

    top_pages: pl.DataFrame
    domains: pl.DataFrame

    @property
    def counts(self) -> str:
        """How much is ranked: `845 domains, 10,230 entries`."""
        domains = self.top_pages.get_column("domain_code").n_unique()
        return f"{counted(domains, 'domain')}, {counted(len(self.top_pages), 'entry', 'entries')}"

    def largest_domains(self, count: int) -> list[str]:
        """Return the codes of the most viewed domains that have ranked pages, the most viewed first."""
        ranked = self.domains.join(self.top_pages, on="domain_code", how="semi")
        largest = ranked.sort("views", "domain_code", descending=[True, False]).head(count)
        return largest.get_column("domain_code").to_list()

    def html_table(self, caption: str, notes: Sequence[str]) -> str:
        """Return the first pages of the largest domains as a table for a notebook."""
        return table(caption, chain.from_iterable(map(self._html_rows, self.largest_domains(SHOWN))), notes)

    def _html_rows(self, code: str) -> Iterator[Row]:
        domain = Domain.of(code)
        yield Heading(domain.heading)
        pages = self.top_pages.filter(domain_code=code).select("rank", "views", "page_title").head(SHOWN)
        for rank, views, title in pages.rows():
            yield str(rank), f"{views:,}", Link(title, domain.page_address(title))
