"""Decode domain codes and titles of dumps, and encode titles as dumps write them, in both eras of the format."""

from __future__ import annotations

import polars as pl

QUOTED_PATTERN = r'^"(?:[^"\\]|\\["\\])*"$'


def decode_code(written: pl.Expr) -> pl.Expr:
    """Decode domain codes. A dump writes the empty code as nothing or as two quotes."""
    return written.replace('""', "")


def decode_title(written: pl.Expr) -> pl.Expr:
    r"""Decode titles, by one rule for both eras of the format.

    A title is unquoted only if it is quoted from end to end, every quote and backslash inside is escaped, and it
    contains `\"`. The writer since 2023 quotes only titles that contain a quote; a raw title of the years before, such
    as `"Heroes"`, contains no escaped quote.
    """
    quoted = written.str.contains('\\"', literal=True) & written.str.contains(QUOTED_PATTERN)
    unquoted = written.str.strip_prefix('"').str.strip_suffix('"').str.replace_all(r'\\(["\\])', "${1}")
    return pl.when(quoted).then(unquoted).otherwise(written)


def encode_titles(pages: pl.LazyFrame) -> pl.LazyFrame:
    """Return every raw form of each title, one per row.

    A raw form is a string that `decode_title` decodes to the title.

    Encoding the blacklist lets it be compared with raw dump titles, without decoding millions of them. A title with no
    quotes or backslashes has one raw form: itself.

    Args:
        pages: `domain_code` String, `page_title` String, without duplicates.

    Returns:
        The same columns, with `page_title` as dumps write it; without duplicates.
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
