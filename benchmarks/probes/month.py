"""Read one domain from every hour of a lake: python month.py LAKE DOMAIN. Prints rows and views as JSON."""

import json
import sys

import polars as pl


def main() -> None:
    """Scan the lake as in the README."""
    lake, domain = sys.argv[1:3]
    pages = pl.scan_parquet(f"{lake}/top_pages", hive_partitioning=True).filter(domain_code=domain)
    totals = pages.select(rows=pl.len(), views=pl.col("views").sum()).collect()
    json.dump(totals.row(0, named=True), sys.stdout)


if __name__ == "__main__":
    main()
