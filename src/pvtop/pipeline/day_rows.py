"""The rows of day files in which movers and spikes are found: desktop and mobile together, without excluded pages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import polars as pl

from pvtop.core.domain import Domain
from pvtop.lake.day_files import DayFile
from pvtop.pipeline.lookup import configured_blacklist
from pvtop.settings import Settings
from pvtop.transform.movers import CandidateFilter, may_have_views, without_excluded
from pvtop.transform.reduce import detach
from pvtop.transform.schemas import UNKNOWN


@dataclass(frozen=True, slots=True)
class NumberedDay:
    """A day file, and the number of its day."""

    file: DayFile
    number: int


class DayRows:
    """The rows of the pages that may be found: without excluded pages, and with few others.

    Args:
        settings: Name the blacklist.
        day_file: The day file of the day itself.
        min_views: The views that a page must have on the day.
        domains: Codes of the domains to read, None for all.
    """

    def __init__(self, settings: Settings, day_file: DayFile, min_views: int, domains: Collection[str] | None) -> None:
        blacklist = configured_blacklist(settings).pages.partition_by("domain_code", as_dict=True, include_key=False)
        self.excluded = {code: pages.get_column("page_title") for (code,), pages in blacklist.items()}
        self.unknown = None if settings.keep_unknown else UNKNOWN
        self.candidates = CandidateFilter()
        self._wanted = None if domains is None else {Domain.of(code).merged_code for code in domains}
        wikis = [(Domain.of(code).merged_code, code) for code in day_file.codes]
        for wiki, pairs in groupby(sorted(pair for pair in wikis if self._wants(pair[0])), lambda pair: pair[0]):
            self._add_candidates(day_file, wiki, [code for _, code in pairs], min_views)

    def _wants(self, wiki: str) -> bool:
        return self._wanted is None or wiki in self._wanted

    def _add_candidates(self, day_file: DayFile, wiki: str, codes: Sequence[str], min_views: int) -> None:
        for code in codes:
            for frame in day_file.read(day_file.codes[code], ["page_title", "views"]):
                titles, views = frame.get_columns()
                self.candidates.add(wiki, titles.filter(may_have_views(views, min_views, len(codes))))

    def segments(self, runs: Sequence[NumberedDay], columns: Sequence[str]) -> dict[str, list[_Segment]]:
        """Return the segments of each wiki, for `merge`."""
        found: dict[str, list[_Segment]] = {}
        for run in runs:
            for code in run.file.codes:
                wiki = Domain.of(code).merged_code
                if self._wants(wiki):
                    found.setdefault(wiki, []).append(_Segment(self, run, code, columns))
        return found


class _Segment:
    """The rows of a domain in a day file, for `merge`."""

    def __init__(self, day_rows: DayRows, run: NumberedDay, code: str, columns: Sequence[str]) -> None:
        self.rows = len(run.file.codes[code])
        self._day_rows = day_rows
        self._run = run
        self._code = code
        self._columns = columns

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the columns, `number` UInt8 of the day, and `is_mobile` Boolean."""
        domain, excluded = Domain.of(self._code), self._day_rows.excluded.get(self._code)
        number = pl.lit(self._run.number, pl.UInt8).alias("number")
        is_mobile = pl.lit(domain.is_mobile, pl.Boolean).alias("is_mobile")
        for frame in self._run.file.read(self._run.file.codes[self._code], self._columns):
            passed = frame.filter(self._day_rows.candidates.passes(domain.merged_code, frame.get_column("page_title")))
            if len(kept := without_excluded(passed, excluded, unknown=self._day_rows.unknown)):
                yield kept.with_columns(number, is_mobile, detach(pl.col("page_title")))
