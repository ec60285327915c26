"""The input files: made from seeds, and kept for the next run."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pyarrow.parquet as pq

import generate_hour
from pvtop import Hour, scan_dump
from pvtop.lake.layout import domains_path, text_path, top_pages_path
from pvtop.lake.parquet import PROVENANCE_KEY

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
DAY = Hour.parse("2024-08-03T00")
MONTH = Hour.parse("2024-06-01T00")
YEAR = Hour.parse("2023-01-01T01")
OLDEST = Hour.parse("2015-05-01T01")
SAMPLE = Hour.parse("2025-01-01T00")
FOOTER = 1 << 23  # the end of a Parquet file that has its metadata
EMPTY = '""'  # the empty domain code as written
MALFORMED = b"Wikimania 1 0\nen  506 0\nen a b 1 0\nen many x 0\nen Foo 5\nen Size 1000 x\nen 1.5 1.5 0\nOne\n"


@dataclass(frozen=True, slots=True)
class Scale:
    """The sizes of the inputs.

    Attributes:
        rows: Rows of an hour.
        domains: Domain codes of an hour.
        hours: Hours of a day, all of them different.
        factors: Multiples of `rows`, for growth.
        batches: Hours in a batch, for growth. After the first day, hours are links to the files of that day.
        entries: Entries of the usual blacklist.
        many_entries: Entries of a very large blacklist.
        month: Hours in the lake of a month.
        markers: Hours in the lake of eleven years.
        week_rows: Rows of an hour of the week, in which all hours are different.
        week_days: Days of that week.
        drawn: Pages that are looked up at once.
        year: Hours that are loaded into a mart.
        has_servers: Whether marts on servers are measured, too.
    """

    rows: int
    domains: int
    hours: int
    factors: Sequence[int]
    batches: Sequence[int]
    entries: int
    many_entries: int
    month: int
    markers: int
    week_rows: int
    week_days: int
    drawn: int
    year: int = 8_760
    has_servers: bool = True


@dataclass(frozen=True, slots=True)
class Given:
    """Inputs that are there already, and need not be made.

    Attributes:
        day: The source that has the dumps of the day.
        week: The source that has the dumps of the week.
    """

    day: Path | None = None
    week: Path | None = None


SCALES = {
    "full": Scale(
        5_800_000, 1_700, 24, (1, 2, 4, 8), (1, 24, 168), 57_000, 1_000_000, 720, 100_000, 1_450_000, 7, 1_000
    ),
    "tenth": Scale(580_000, 500, 24, (1, 2), (1, 24), 5_700, 100_000, 720, 10_000, 145_000, 7, 1_000, 876),
    "small": Scale(3_000, 30, 2, (1, 2), (1, 3), 50, 200, 48, 30, 300, 2, 20, 26, has_servers=False),
}


class Inputs:
    """The input files of the benchmarks.

    Args:
        work: The folder of the files.
        scale: The sizes of the files.
        given: Inputs that are there already.
    """

    def __init__(self, work: Path, scale: Scale, given: Given) -> None:
        self.work = work
        self.scale = scale
        self.given = given
        self.source = work / "source"

    def hours(self, count: int) -> list[Hour]:
        """Make the first hours of the source and return them: a day of different hours, then links to it."""
        for i in range(min(count, self.scale.hours)):
            self._hour(self.source, DAY + i, self.scale.rows, seed=i + 1)
        for i in range(self.scale.hours, count):
            link(self.source / (DAY + i % self.scale.hours).dump_path, self.source / (DAY + i).dump_path)
        return [DAY + i for i in range(count)]

    def grown(self, factor: int) -> Path:
        """Make a source whose first hour has `factor` times the rows. Return its folder."""
        if factor == 1:
            return self.source
        source = self.work / f"times-{factor}"
        self._hour(source, DAY, factor * self.scale.rows, seed=1)
        return source

    def unclean(self) -> Path:
        """Make a source whose first hour has one malformed line more. Return its folder."""
        source = self.work / "unclean"
        path = source / DAY.dump_path
        if not path.exists():
            lines = gzip.decompress((self.source / DAY.dump_path).read_bytes())
            with appearing(path) as part:
                part.write_bytes(gzip.compress(lines + b"Wikimania 1 0\n", 6, mtime=0))
        return source

    def sample(self) -> Path:
        """Make a small dump with every oddity that a contender must get right, and return its path.

        It is an hour of the sample in `data/`, and malformed lines.
        """
        path = self.work / "sample.gz"
        lines = gzip.decompress((DATA / "source" / SAMPLE.dump_path).read_bytes())
        path.write_bytes(gzip.compress(lines + MALFORMED, mtime=0))
        return path

    def blacklist(self, entries: int) -> Path:
        """Make a blacklist for the first hour of the source, and return its path."""
        return self.blacklist_of(self.source / DAY.dump_path, entries, f"blacklist-{entries}")

    def blacklist_of(self, dump: Path, entries: int, name: str) -> Path:
        """Make a blacklist for a dump, and return its path.

        A tenth of the entries are much viewed pages of the dump, a tenth are random pages of it, and the others are
        not in it. As in the real blacklist, 37 % of the titles are percent-encoded, and a few of these are malformed or
        not UTF-8.
        """
        path = self.work / name
        if not path.exists():
            pages = scan_dump(dump).collect()
            most_viewed = pages.sort("views", descending=True).head(2 * (entries // 10))
            some = [frame.sample(min(entries // 10, len(frame)), seed=1) for frame in (most_viewed, pages)]
            absent = pages.sample(entries - 2 * (entries // 10), with_replacement=True, seed=2).with_row_index()
            absent = absent.with_columns(page_title=pl.format("{}_{}", "page_title", "index")).select(pages.columns)
            with appearing(path) as part:
                part.write_text("".join(sorted(_entries(pl.concat([*some, absent])))))
        return path

    def no_blacklist(self) -> Path:
        """Make an empty blacklist and return its path, for the reference without a blacklist."""
        path = self.work / "blacklist-none"
        path.touch()
        return path

    def reference(self, dump: Path, blacklist: Path) -> Path:
        """Compute the exact answer for a dump with the heap in plain Python, unless it is there. Return its path."""
        path = self.work / "reference" / f"{digest(dump)}-{digest(blacklist)}.parquet"
        if not path.exists():
            print(f"reference of {dump}", file=sys.stderr)
            with appearing(path) as part:
                contender = HERE / "contenders" / "with_heap.py"
                subprocess.run([sys.executable, contender, dump, blacklist, part], check=True)
        return path

    def month(self, lake: Path) -> Path:
        """Make a lake of a month from the reports in the lake of a day. Return its folder."""
        return self.repeated(lake, "month", MONTH, self.scale.month, [DAY + i for i in range(self.scale.hours)])

    def repeated(self, lake: Path, name: str, first: Hour, count: int, hours: Sequence[Hour]) -> Path:
        """Make a lake of `count` hours from the reports of some hours of another lake, again and again.

        Parquet files are copied, because they name their hour. The text reports are links.

        Returns:
            The folder of the lake.
        """
        made = emptied(self.work / name)
        for i, hour in zip(range(count), cycle(hours), strict=False):
            link(lake / text_path(hour), made / text_path(first + i))
            for path_of in (top_pages_path, domains_path):
                copy_report(lake / path_of(hour), first + i, made / path_of(first + i))
        return made

    def decade(self, name: str, markers: Iterable[Path]) -> Path:
        """Make a lake of `markers` hours with only the markers: links to the given files. Return its folder."""
        lake = emptied(self.work / f"decade-{name}")
        for i, marker in zip(range(self.scale.markers), cycle(markers), strict=False):
            link(marker, lake / top_pages_path(OLDEST + i))
        return lake

    def decade_source(self) -> Path:
        """Make a source with an empty dump for each of `markers` hours, to be listed. Return its folder."""
        source = self.work / "decade-source"
        for i in range(self.scale.markers):
            path = source / (OLDEST + i).dump_path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return source

    def empty_markers(self) -> list[Path]:
        """Make empty files and return them; so many that no file gets more links than file systems allow."""
        folder = self.work / "markers"
        folder.mkdir(exist_ok=True)
        paths = [folder / str(i) for i in range(10)]
        for path in paths:
            path.touch()
        return paths

    def _hour(self, source: Path, hour: Hour, rows: int, seed: int) -> None:
        if not (source / hour.dump_path).exists():
            generate_hour.write(generate_hour.hour(rows, self.scale.domains, seed), hour.stamp, source)


def _entries(pages: pl.DataFrame) -> Iterator[str]:
    """Yield pages as lines of a blacklist."""
    rng = random.Random(3)
    for number, (code, title) in enumerate(pages.select("domain_code", "page_title").iter_rows()):
        written = quote(title, safe=":/_(),.") if rng.random() < 0.37 else title
        oddity = {50: "%E1", 51: "%zz"}.get(number % 1_000, "")
        yield f"{code or EMPTY} {written}{oddity}\n"


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, then rename the file to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    yield part
    part.rename(path)


def link(file: Path, name: Path) -> None:
    """Link a file to another name."""
    name.parent.mkdir(parents=True, exist_ok=True)
    if not name.exists():
        os.link(file, name)


def link_all(folder: Path, place: Path) -> None:
    """Link all files of a folder into another one."""
    for file in folder.rglob("*"):
        if file.is_file():
            link(file, place / file.relative_to(folder))


def emptied(folder: Path) -> Path:
    """Empty a folder and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def copy_report(original: Path, hour: Hour, path: Path) -> None:
    """Copy a Parquet file of a report to another hour."""
    before = pq.read_metadata(original).metadata[PROVENANCE_KEY.encode()]
    stamp, start = (f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in (hour.stamp, hour.start))
    after = json.dumps(json.loads(before) | {"stamp": stamp, "start": start, "end": stamp})
    copy_with(original, path, {before: after.encode()})


def copy_with(original: Path, path: Path, texts: Mapping[bytes, bytes]) -> None:
    """Copy a Parquet file, and replace texts in its metadata. Its other bytes stay.

    Raises:
        ValueError: It does not have a text once, or the new one has another length.
    """
    with appearing(path) as part:
        shutil.copyfile(original, part)
        with part.open("r+b") as file:
            start = file.seek(max(0, part.stat().st_size - FOOTER))
            end = file.read()
            for old, new in texts.items():
                if len(old) != len(new) or end.count(old) != 1:
                    raise ValueError(f"{path}: cannot replace its metadata")
                file.seek(start + end.index(old))
                file.write(new)


@cache
def digest(path: Path) -> str:
    """Return the digest of a file, shortened."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


class _Handler(SimpleHTTPRequestHandler):
    """A request handler without a log."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback. Yield the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
