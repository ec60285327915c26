"""Add what domain codes mean to a frame."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import polars as pl

from pvtop.core.domain import UNENCODED, Domain
from pvtop.core.errors import UsageError
from pvtop.transform.schemas import DOMAIN_MEANING

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

MEANING = pl.Struct(DOMAIN_MEANING)
DECODED = "decoded domain code"  # a column on the way, so that the codes are decoded once
ENCODED = {f"{byte:02x}": quote(bytes([byte]), safe=UNENCODED) for byte in range(256)}
"""Each byte of a title, in hex, and how the address of a page has it."""


def with_domains(frame: Frame) -> Frame:
    """Return a frame with what its domain codes mean. The rows and their order stay.

    Args:
        frame: Any frame with `domain_code` String. For addresses, it also has `page_title` String.

    Returns:
        The same kind of frame, with these columns added, or replaced if they are there:

        - `project` String: `wikipedia`, `wikibooks`, ...; `other` if the code is empty or unknown.
        - `language` String: `en`, `zh-yue`, ...; null for wikis that are not in one language.
        - `host` String: `en.m.wikipedia.org`; null if `project` is `other`.
        - `access` String: `desktop`, `mobile` or `zero`; null if `host` is null.
        - `address` String: the web address of the article; null if `host` is null or there is no title.
        - `ambiguous` Boolean: whether the code may also mean the wiki of a chapter.

        All are null if the code is null.

    Raises:
        UsageError: The argument is not a frame of Polars, or has no column `domain_code`.
    """
    if not isinstance(frame, pl.DataFrame | pl.LazyFrame):
        raise UsageError(f"a {type(frame).__name__} is not a frame of Polars", "pass a DataFrame or a LazyFrame")
    columns = frame.collect_schema().names()
    if "domain_code" not in columns:
        raise UsageError("the frame has no column domain_code", f"its columns are {', '.join(columns)}")
    meaning, host = pl.col(DECODED).struct.field, pl.col(DECODED).struct.field("host")
    address = _address(host, pl.col("page_title")) if "page_title" in columns else pl.lit(None, pl.String)
    decoded = frame.with_columns(
        pl.col("domain_code").map_batches(_meaning, MEANING, is_elementwise=True).alias(DECODED)
    )
    return decoded.with_columns(
        meaning("project"),
        meaning("language"),
        meaning("host"),
        meaning("access"),
        address=address,
        ambiguous=meaning("ambiguous"),
    ).drop(DECODED)


def _meaning(codes: pl.Series) -> pl.Series:
    """Return what each code means, in `MEANING`. Each distinct code is decoded once."""
    written = codes.cast(pl.String).to_frame("domain_code")
    distinct = written.get_column("domain_code").drop_nulls().unique()
    domains = [Domain.of(code) for code in distinct]
    found = pl.DataFrame([[getattr(domain, name) for domain in domains] for name in DOMAIN_MEANING], DOMAIN_MEANING)
    meanings = found.select(distinct, meaning=pl.struct(pl.all()))
    return written.join(meanings, on="domain_code", how="left", maintain_order="left").get_column("meaning")


def _address(host: pl.Expr, title: pl.Expr) -> pl.Expr:
    """Return the address of each page, as `Domain.page_address` does."""
    in_hex = title.cast(pl.Binary).bin.encode("hex")
    encoded = in_hex.str.replace_many(list(ENCODED), list(ENCODED.values()))  # every two digits are one of its keys
    return pl.concat_str(pl.lit("https://"), host, pl.lit("/wiki/"), encoded)
