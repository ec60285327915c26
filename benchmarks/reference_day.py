"""Compute the exact rollup and the day file of dumps in plain Python, domain by domain, so that it fits into memory.

    python benchmarks/reference_day.py BLACKLIST FOLDER DUMP...

The rules are those of `tests/support/day_reference.py`, and the tests compare the two. This one is faster, because it
reads a plain line with fewer steps. Writes into the folder:

- `top_pages.parquet` and `domains.parquet`: the rollup, with the columns of a report.
- `most_viewed.parquet`: the first 1,000 ranks of each domain.
- `drawn.parquet`: 1,000 pages of the largest domain, and 1,000 of all domains, with their hours. `of` says which.
- `day.json`: rows of the dumps; pages of the day file, the bytes of their codes and titles, the digests of its columns.
"""

import gzip
import heapq
import io
import json
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import groupby, repeat
from operator import itemgetter
from pathlib import Path
from zlib import crc32

import polars as pl

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support.reference import entries_of, page_of

TOP, MOST_VIEWED = 25, 1_000
DRAWN = 1_000
SAFE_DIGITS = 18  # a count with so many digits fits into 64 bits
BLOCK = 1 << 20  # read at a time
RANKED = {"domain_code": pl.String, "rank": pl.UInt32, "page_title": pl.String, "views": pl.Int64}
COUNTS = ["pages", "views", "blacklisted_pages", "blacklisted_views"]
DOMAINS = {"domain_code": pl.String} | dict.fromkeys(COUNTS, pl.Int64)
HOURS = {"start_hours": pl.List(pl.UInt8), "counts": pl.List(pl.Int64)}
PAGES = {"of": pl.String, "domain_code": pl.String, "page_title": pl.String} | HOURS

Hours = dict[bytes, list[int]]  # by title: the place of a dump, the views in it, the place of the next one, ...
Drawn = tuple[int, str, str, list[int]]  # what decides the draw, code, title, and hours as above


class DayDigest:
    """The digest of each column of a day file, computed while its rows come in their order."""

    def __init__(self) -> None:
        self._columns = {name: sha256() for name in ("code", "title", "views", "lengths", "start_hours", "counts")}

    def add(self, code: str, titles: Sequence[str], **columns: bytes) -> None:
        """Add pages of a domain. Columns: native integers as bytes; `lengths` is the number of hours of each page."""
        texts = {"code": f"{code}\n" * len(titles), "title": "".join(f"{title}\n" for title in titles)}
        for name, data in ({name: text.encode() for name, text in texts.items()} | columns).items():
            self._columns[name].update(data)

    def hexdigests(self) -> dict[str, str]:
        """Return the digests in hex, by column."""
        return {name: digest.hexdigest() for name, digest in self._columns.items()}


class Reference:
    """The answers, which grow with each domain.

    Args:
        entries: The blacklist as `entries_of` reads it.
    """

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        self._entries: dict[str, set[bytes]] = {}
        for code, title in entries:
            self._entries.setdefault(code, set()).add(title.encode())
        self._digest = DayDigest()
        self._ranked: list[tuple[str, int, str, int]] = []
        self._domains: list[tuple[str, int, int, int, int]] = []
        self._sizes = {"pages": 0, "domain_code": 0, "page_title": 0}
        self._largest = 0
        self._of_all: list[Drawn] = []
        self._of_largest: list[Drawn] = []

    def add(self, code: str, pages: Hours) -> None:
        """Add a domain that has lines."""
        titles = sorted(pages)
        names = [title.decode() for title in titles]
        places, counts, lengths = array("B"), array("q"), array("I")
        for title in titles:
            hours = pages[title]
            places.extend(hours[::2])
            counts.extend(hours[1::2])
            lengths.append(len(hours) // 2)
        views = array("q", (sum(pages[title][1::2]) for title in titles))
        columns = {"views": views, "lengths": lengths, "start_hours": places, "counts": counts}
        self._digest.add(code, names, **{name: column.tobytes() for name, column in columns.items()})
        self._rank(code, titles, views, lengths)
        self._draw(code, names, titles, pages)
        sizes = len(titles), len(titles) * len(code.encode()), sum(map(len, titles))
        for name, size in zip(self._sizes, sizes, strict=True):
            self._sizes[name] += size

    def _rank(self, code: str, titles: Sequence[bytes], views: Sequence[int], lengths: Sequence[int]) -> None:
        """Rank the pages of a domain and add up its totals."""
        listed = self._entries.get(code, set())
        excluded = [i for i, title in enumerate(titles) if title in listed and title != b"-"]
        totals = sum(lengths), sum(views), sum(lengths[i] for i in excluded), sum(views[i] for i in excluded)
        left_out = {titles[i] for i in excluded} | {b"-"}
        kept = ((-count, title) for title, count in zip(titles, views, strict=True) if title not in left_out)
        first = enumerate(heapq.nsmallest(MOST_VIEWED, kept), start=1)
        self._ranked += [(code, rank, title.decode(), -count) for rank, (count, title) in first]
        self._domains.append((code, *totals))

    def _draw(self, code: str, names: Sequence[str], titles: Sequence[bytes], pages: Hours) -> None:
        """Draw pages by a hash of their names."""
        seeds = ((crc32(title, crc32(code.encode())), place) for place, title in enumerate(titles))
        drawn = [(seed, code, names[i], pages[titles[i]]) for seed, i in heapq.nsmallest(DRAWN, seeds)]
        self._of_all = heapq.nsmallest(DRAWN, self._of_all + drawn)
        if len(titles) > self._largest:
            self._largest, self._of_largest = len(titles), drawn

    def write(self, folder: Path) -> None:
        """Write all answers into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(self._domains, DOMAINS, orient="row").write_parquet(folder / "domains.parquet")
        ranked = pl.DataFrame(self._ranked, RANKED, orient="row")
        ranked.write_parquet(folder / "most_viewed.parquet")
        ranked.filter(pl.col("rank") <= TOP).write_parquet(folder / "top_pages.parquet")
        drawn = [*zip(repeat("largest"), self._of_largest), *zip(repeat("all"), self._of_all)]
        rows = [(of, code, title, hours[::2], hours[1::2]) for of, (_, code, title, hours) in drawn]
        pl.DataFrame(rows, PAGES, orient="row").write_parquet(folder / "drawn.parquet")
        facts = {"rows": sum(row[1] for row in self._domains), **self._sizes, "digests": self._digest.hexdigests()}
        (folder / "day.json").write_text(json.dumps(facts))


def main(blacklist: Path, folder: Path, dumps: Sequence[Path]) -> None:
    """Write the answers for some dumps into a folder."""
    reference = Reference(entries_of(blacklist.read_bytes()))
    for code, hours in hours_of_domains(dumps):
        if pages := hours_of_pages(hours):
            reference.add(code.decode(), pages)
    reference.write(folder)


def hours_of_pages(hours: Iterable[tuple[int, Iterable[bytes]]]) -> Hours:
    """Return the hours of each page of a domain.

    Args:
        hours: The place of each dump that has the domain, in order, and its lines.

    Raises:
        ValueError: A page occurs twice in a dump.
    """
    found: Hours = {}
    for place, lines in hours:
        for line in lines:
            title, views = title_and_views(line)
            if title:
                counts = found.get(title)
                if counts is None:
                    found[title] = [place, views]
                elif counts[-2] == place:
                    raise ValueError(f"{line!r} occurs twice")
                else:
                    counts += place, views
    return found


def title_and_views(line: bytes) -> tuple[bytes, int]:
    """Return title and views of a line; an empty title if it is malformed. Lines with an oddity take longer."""
    fields = line.split(b" ")
    if len(fields) == 4 and fields[3] == b"0\n" and b'"' not in fields[1]:
        views = fields[2]
        if views.isdigit() and len(views) <= SAFE_DIGITS:
            return fields[1], int(views)
    page = page_of(line.removesuffix(b"\n").rstrip(b"\r"))
    return (page.title.encode(), page.views) if page else (b"", 0)


def hours_of_domains(dumps: Sequence[Path]) -> Iterator[tuple[bytes, list[tuple[int, list[bytes]]]]]:
    """Yield each domain: its code, and the lines of each dump that has it. Reads the dumps side by side."""
    merged = heapq.merge(*(domains_of(dump, place) for place, dump in enumerate(dumps)), key=itemgetter(0))
    for code, parts in groupby(merged, key=itemgetter(0)):
        yield code, [(place, lines) for _, place, lines in parts]


def domains_of(dump: Path, place: int) -> Iterator[tuple[bytes, int, list[bytes]]]:
    """Yield code, place and lines of each domain of a dump.

    Raises:
        ValueError: The codes are not sorted.
    """
    last, prefix = b"", b""
    lines: list[bytes] = []
    with gzip.open(dump) as packed, io.BufferedReader(packed, BLOCK) as file:
        for line in file:
            if not prefix or not line.startswith(prefix):
                if prefix:
                    yield last, place, lines
                code = code_of_line(line)
                if code < last:
                    raise ValueError(f"{dump}: {code!r} comes after {last!r}, but the codes must be sorted")
                last, prefix, lines = code, line.split(b" ", 1)[0] + b" ", []
            lines.append(line)
    if prefix:
        yield last, place, lines


def code_of_line(line: bytes) -> bytes:
    """Return the code of a line. Two quotes stand for the empty one."""
    code = line.split(b" ", 1)[0]
    return b"" if code == b'""' else code


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(dump) for dump in sys.argv[3:]])
