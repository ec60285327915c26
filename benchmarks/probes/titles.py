"""Read code and title of every page of some day files with Polars: python titles.py FILE... Prints JSON.

Sums the lengths, so that every value is read.
"""

import json
import sys

import polars as pl


def main() -> None:
    """Read and sum in one streaming pass."""
    sizes = {name: pl.col(name).str.len_bytes().cast(pl.Int64).sum() for name in ("domain_code", "page_title")}
    totals = pl.scan_parquet(sys.argv[1:], hive_partitioning=False).select(pages=pl.len(), **sizes)
    json.dump(totals.collect(engine="streaming").row(0, named=True), sys.stdout)


if __name__ == "__main__":
    main()
