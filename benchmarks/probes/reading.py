"""Read a dump with Polars and only sum its views: python reading.py DUMP. Prints rows and views as JSON."""

import json
import sys

import polars as pl


def main() -> None:
    """Read and sum in one streaming pass."""
    schema = {"domain_code": pl.String, "page_title": pl.String, "views": pl.Int64, "size": pl.Int64}
    pages = pl.scan_csv(sys.argv[1], separator=" ", has_header=False, quote_char=None, schema=schema)
    totals = pages.select(rows=pl.len(), views=pl.col("views").sum()).collect(engine="streaming")
    json.dump(totals.row(0, named=True), sys.stdout)


if __name__ == "__main__":
    main()
