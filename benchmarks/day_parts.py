"""The parts of the benchmarks about days: day files, rollups, series and movers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import polars as pl

from cases import Case, Group, Measured, Part, Size
from checks import answers, largest, prints, prints_fields
from commands import ANSWER, PVTOP, batch, build_days, gzip, hour_range, movers, other, probe, rollup
from day_checks import adds_up, hours_of, is_day_file, is_rollup, prints_movers, prints_series, sizes_of
from day_inputs import DATE, MONTH, DayInputs
from inputs import Inputs
from pvtop import Day, Period
from pvtop.lake.layout import day_path, top_pages_path

GZIP_DAY = "gzip -dc of the 24 dumps to nowhere"
BUILD = "pvtop days build"
TOP_OF_DAY = "pvtop rollup, from the day file"
FROM_DUMPS = "pvtop rollup, from the dumps"
BATCH_OF_DAY = "pvtop batch of the 24 hours"
DUMPS_SIZE = "the 24 dumps"
DAY_SIZE = "the day file"
SHOW = "pvtop show, an hour"
ONE_DAY = "pvtop series, one page, one day"
ONE_PAGE = "pvtop series, one page, 30 days"
ONE_WIKI = "pvtop series, many pages of one wiki, 30 days"
ALL_WIKIS = "pvtop series, many pages of all domains, 30 days"
TITLES = "Polars, reading code and title of the 30 day files"
ONE_FROM_DUMPS = "pvtop rollup, one day from dumps"
ALL_FROM_DUMPS = "pvtop rollup, all days from dumps"
ONE_FROM_FILES = "pvtop rollup, one day from day files"
ALL_FROM_FILES = "pvtop rollup, all days from day files"
MOVERS = "pvtop movers against 7 days"
MONTH_ROLLUP = "pvtop rollup, a month from day files"
DUCKDB = "DuckDB, from the dumps, within 1,200 MB"
CHDB = "ClickHouse (chdb), from the dumps, within 1,200 MB"
DUCKDB_MORE = "DuckDB, from the dumps, within 8,000 MB"
CHDB_MORE = "ClickHouse (chdb), from the dumps, within 8,000 MB"
DUCKDB_TOP = "DuckDB, the top pages from the day file"
DUCKDB_PAGE = "DuckDB, one page from the day file"
MEMORY_LIMIT = 1_200  # MB, for the contenders: what pvtop may need for a day
HIGH_LIMIT = 8_000  # MB, for the contenders that need more
ROUNDS = 3  # of what takes minutes


def one_day(inputs: Inputs, _: str) -> Iterator[Measured]:
    """Compare a day file, and a day's top pages, with decompressing the dumps of the day."""
    made = DayInputs(inputs)
    day, lake, reports = made.day, made.day_lake(), made.report_lake()
    period = Period.of_day(DATE)
    cases = [
        Case(GZIP_DAY, gzip(day.paths)),
        Case(BUILD, build_days(day.days, day.source), is_day_file(DATE, day.answers)),
        Case(TOP_OF_DAY, rollup(period, day.blacklist), is_rollup(period, day.answers), lake=lake),
        Case(BATCH_OF_DAY, batch(DATE.hours[0], 24, day.source, day.blacklist), adds_up(DATE.hours, day.answers)),
        Case(FROM_DUMPS, rollup(period, day.blacklist, day.source), is_rollup(period, day.answers), lake=reports),
    ]
    file = lake / day_path(DATE)
    yield Group("A day", cases, rounds=ROUNDS, files=[*day.paths, file], note=day.note)
    yield Size(DUMPS_SIZE, day.paths)
    yield Size(DAY_SIZE, [file])


def many_pages(inputs: Inputs, _: str) -> Iterator[Measured]:
    """Look pages up: one and many, in one day and in 30."""
    made = DayInputs(inputs)
    day, hours, lake = made.day, made.hour_lake(), made.month_lake()
    newest = largest(hours / top_pages_path(DATE.hours[0]))
    show = [PVTOP, "show", "--output", str(hours), "--domain", str(newest["domain_code"]), "-n", "25", "--json"]
    shown = prints_fields({"hour": DATE.hours[0].iso, "domains": [newest]})
    files = [lake / day_path(one) for one in MONTH]
    wiki, every = made.drawn("largest"), made.drawn("all")
    cases = [
        Case(SHOW, show, shown),
        series_of(ONE_DAY, wiki.head(1), MONTH[:1], lake, made.work),
        series_of(ONE_PAGE, wiki.head(1), MONTH, lake, made.work),
        series_of(ONE_WIKI, wiki, MONTH, lake, made.work),
        series_of(ALL_WIKIS, every, MONTH, lake, made.work),
        Case(TITLES, probe("titles.py", *files), prints(sizes_of(day.answers, len(files)))),
    ]
    yield Group(
        "The views of pages over time", cases, files=files, note=f"{len(wiki):,} pages at once. A day: {day.note}"
    )


def memory(inputs: Inputs, _: str) -> Iterator[Measured]:
    """Measure the memory of one day and of many: of rollups from dumps and from day files, and of movers."""
    made = DayInputs(inputs)
    week, first, lake, month = made.week, made.first_of_week, made.week_lake(), made.month_lake()
    growing = [
        Case(name, rollup(dumps.period, week.blacklist, source), is_rollup(dumps.period, dumps.answers), lake=of)
        for name, dumps, source, of in (
            (ONE_FROM_DUMPS, first, week.source, None),
            (ALL_FROM_DUMPS, week, week.source, None),
            (ONE_FROM_FILES, first, None, lake),
            (ALL_FROM_FILES, week, None, lake),
        )
    ]
    yield Group("A day and a week of different hours", growing, rounds=1, files=week.paths, note=week.note)
    day, period = made.day, Period.of_hours(MONTH[0].hours[0], MONTH[-1].hours[-1])
    cases = [
        Case(MOVERS, movers(MONTH[-1], day.blacklist, month), prints_movers(day.answers)),
        Case(MONTH_ROLLUP, rollup(period, day.blacklist), is_rollup(period, day.answers, len(MONTH)), lake=month),
    ]
    yield Group("Many day files", cases, rounds=1, note=f"A day: {day.note}")


def engines(inputs: Inputs, python: str) -> Iterator[Measured]:
    """Compare pvtop with SQL engines: on the dumps of a day, then on its day file."""
    made = DayInputs(inputs)
    day, lake, period = made.day, made.day_lake(), Period.of_day(DATE)
    rolled_up, exact = is_rollup(period, day.answers), answers(day.answers / "top_pages.parquet")
    engines = {"duckdb": "day_with_duckdb.py", "chdb": "day_with_chdb.py"}
    names = {MEMORY_LIMIT: (DUCKDB, CHDB), HIGH_LIMIT: (DUCKDB_MORE, CHDB_MORE)}
    from_dumps = [
        Case(FROM_DUMPS, rollup(period, day.blacklist, day.source), rolled_up),
        *(
            Case(
                name,
                other(python, script, day.blacklist, ANSWER, limit, *day.paths),
                exact,
                needs=engine,
                is_limited=limit == MEMORY_LIMIT,
            )
            for limit, pair in names.items()
            for name, (engine, script) in zip(pair, engines.items(), strict=True)
        ),
    ]
    yield Group("The rollup of a day from its dumps", from_dumps, rounds=1, files=day.paths, note=day.note)
    file, page = lake / day_path(DATE), made.drawn("largest").head(1)
    asked, key = "file_with_duckdb.py", page.select("domain_code", "page_title").row(0)
    from_file = [
        Case(TOP_OF_DAY, rollup(period, day.blacklist), rolled_up, lake=lake),
        Case(DUCKDB_TOP, other(python, asked, "top", file, day.blacklist, ANSWER), exact, needs="duckdb"),
        series_of(ONE_DAY, page, [DATE], lake, made.work),
        Case(DUCKDB_PAGE, other(python, asked, "page", file, *key), prints(hours_of(page)), needs="duckdb"),
    ]
    yield Group("Questions to the day file", from_file, files=[file], note=day.note)


def series_of(name: str, pages: pl.DataFrame, days: Sequence[Day], lake: Path, work: Path) -> Case:
    """Return the case that looks pages up in consecutive days."""
    names = [f"{code}:{title}" for code, title in pages.select("domain_code", "page_title").iter_rows()]
    if len(names) > 1:
        listed = work / f"pages-{crc32(name.encode()):08x}.txt"
        listed.write_text("".join(f"{one}\n" for one in names))
        names = ["--from", str(listed)]
    hours = [hour for day in days for hour in day.hours]
    command = [PVTOP, "series", *names, *hour_range(hours[0], len(hours)), "--output", str(lake), "--csv"]
    return Case(name, command, prints_series(pages, days))


DAY_PARTS: dict[str, Part] = {"day": one_day, "series": many_pages, "memory": memory, "engines": engines}
