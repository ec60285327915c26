"""The positions of pages among counters: hashes of codes and titles. They are cheap, because few titles are decoded."""

from __future__ import annotations

import polars as pl

from pvtop.core.domain import Domain
from pvtop.transform.titles import decode_code, decode_title

POSITIONS = 1 << 26  # a power of two; a day has some 28 million pages


def wiki_of(code: str, *, merged: bool) -> str:
    """Return the code under which the pages of a domain are summed."""
    return Domain.of(code).merged_code if merged else code


class Pages:
    """The well-formed lines of a block, compared as decoded pages.

    Attributes:
        rows: The lines as they are written.
        views: Their views.
        run: The number of the run of equal codes of each line, from 0.
        codes: The code of each run.
        wikis: The code under which each run is summed.
    """

    def __init__(self, rows: pl.DataFrame, *, merged: bool) -> None:
        codes = rows.get_column("domain_code")
        if codes.null_count():
            rows = rows.filter(codes.is_not_null())
            codes = rows.get_column("domain_code")
        self.rows = rows
        self._titles = rows.get_column("page_title")
        self._quoted = self._titles.str.starts_with('"').arg_true()  # all others are written as they are
        self.views = rows.get_column("views")
        self.run = codes.rle_id()
        starts = (self.run != self.run.shift()).fill_null(value=True)
        first = codes.filter(starts).to_frame().select(decode_code(pl.col("domain_code")))
        self.codes: list[str] = first.to_series().to_list()
        self.wikis = [wiki_of(code, merged=merged) for code in self.codes]
        self._starts = starts

    def key(self, place: int) -> tuple[str, str]:
        """Return the code and the title of a line."""
        return self.codes[self.run[place]], self._decode(self._titles[[place]])[0]

    def ascend(self, last: tuple[str, str] | None) -> bool:
        """Return whether the lines ascend by code and title in byte order, without repeats, from a line before them."""
        if last is not None and last >= self.key(0):
            return False
        codes = pl.Series(self.codes, dtype=pl.String)
        titles = self._titles.scatter(self._quoted, self._decode(self._titles.gather(self._quoted)))
        in_run = (titles > titles.shift()) | self._starts
        return bool((codes > codes.shift()).slice(1).all() and in_run.all())

    def positions(self) -> pl.Series:
        """Return the position of each page: UInt32, below `POSITIONS`. Codes that are summed share positions."""
        wikis = pl.Series(self.wikis, dtype=pl.String).hash(1)
        decoded = self._decode(self._titles.gather(self._quoted))
        titles = self._titles.hash().scatter(self._quoted, decoded.hash())
        return ((titles ^ wikis.gather(self.run)) & (POSITIONS - 1)).cast(pl.UInt32)

    def _decode(self, titles: pl.Series) -> pl.Series:
        return titles.to_frame("title").select(decode_title(pl.col("title"))).to_series()
