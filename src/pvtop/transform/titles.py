"""Codes and titles as dumps write them, and back; right for both of the writer's eras."""

from __future__ import annotations

import polars as pl

QUOTED = r'^"(?:[^"\\]|\\["\\])*"$'


def decode_code(written: pl.Expr) -> pl.Expr:
    """Decode domain codes as written into codes: the empty one has two spellings."""
    return written.replace('""', "")


def decode_title(written: pl.Expr) -> pl.Expr:
    r"""Decode titles as written into titles, by one rule for both eras.

    A field is unquoted only when it is quoted from end to end, every quote and backslash within is escaped, and it
    contains `\"`: the writer since 2023 quotes a title only for the sake of a quote in it, and a raw title from
    before, `"Heroes"`, contains none.
    """
    quoted = written.str.contains('\\"', literal=True) & written.str.contains(QUOTED)
    bare = written.str.strip_prefix('"').str.strip_suffix('"').str.replace_all(r'\\(["\\])', "${1}")
    return pl.when(quoted).then(bare).otherwise(written)


def encode_titles(pages: pl.LazyFrame) -> pl.LazyFrame:
    """Give pages with every spelling of their titles that `decode_title` turns into them.

    So few titles are met as written in a dump, and its millions need no decoding. Where a title has neither quotes nor
    backslashes it is its only spelling.

    Args:
        pages: `domain_code` String, `page_title` String, no row twice.

    Returns:
        The same columns, `page_title` as written; no row twice.
    """
    title = pl.col("page_title")
    special = title.str.contains(r'["\\]')
    return pl.concat([pages.filter(~special), _spellings(pages.filter(special))])


def _spellings(pages: pl.LazyFrame) -> pl.LazyFrame:
    title = pl.col("page_title")
    quoted = '"' + title.str.replace_all(r'(["\\])', r"\${1}") + '"'
    spellings = pl.concat([pages.with_columns(written=title), pages.with_columns(written=quoted)])
    return (
        spellings.filter(decode_title(pl.col("written")) == title).select("domain_code", page_title="written").unique()
    )
