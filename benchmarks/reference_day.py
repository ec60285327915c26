"""Compute the exact rollup of some dumps in plain Python, domain by domain, so that it fits into memory.

    python benchmarks/reference_day.py BLACKLIST FOLDER DUMP...

The rules are those of `tests/support/day_reference.py`. Writes `top_pages.parquet` and `domains.parquet` into the
folder, with the columns of a report.
"""

import gzip
import heapq
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import polars as pl

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support.day_reference import rollup
from support.reference import entries_of

TOP_PAGES = {"domain_code": pl.String, "rank": pl.UInt32, "page_title": pl.String, "views": pl.Int64}
COUNTS = ["pages", "views", "blacklisted_pages", "blacklisted_views"]
DOMAINS = {"domain_code": pl.String} | dict.fromkeys(COUNTS, pl.Int64)


def main(blacklist: Path, folder: Path, dumps: Sequence[Path]) -> None:
    """Write the rollup of dumps into a folder."""
    entries = entries_of(blacklist.read_bytes())
    parts = [rollup(hours, entries) for hours in hours_of_domains(dumps)]
    top_pages = [row[:4] for part in parts for row in part.top_pages]
    domains = [row for part in parts for row in part.domains]
    folder.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(domains, DOMAINS, orient="row").write_parquet(folder / "domains.parquet")
    pl.DataFrame(top_pages, TOP_PAGES, orient="row").write_parquet(folder / "top_pages.parquet")


def hours_of_domains(dumps: Sequence[Path]) -> Iterator[list[bytes]]:
    """Yield the lines of each domain, as one text for each dump that has the domain. Reads the dumps side by side."""
    merged = heapq.merge(*map(domains_of, dumps), key=itemgetter(0))
    for _, hours in groupby(merged, key=itemgetter(0)):
        yield [lines for _, lines in hours]


def domains_of(dump: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield code and lines of each domain of a dump.

    Raises:
        ValueError: The codes are not sorted.
    """
    last = b""
    with gzip.open(dump) as file:
        for code, lines in groupby(file, key=code_of_line):
            if code < last:
                raise ValueError(f"{dump}: {code!r} comes after {last!r}, but the codes must be sorted")
            last = code
            yield code, b"".join(lines)


def code_of_line(line: bytes) -> bytes:
    """Return the code of a line. Two quotes stand for the empty one."""
    code = line.split(b" ", 1)[0]
    return b"" if code == b'""' else code


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(dump) for dump in sys.argv[3:]])
