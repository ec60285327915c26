"""The goals: which figures are wanted, how each is measured, and whether it keeps its bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median
from typing import Any

import day_parts as days
import mart_parts as marts
from parts import BARE, BATCH, COMPUTE, GZIP, HELP, NETWORK, REPORT, TYPER

MB = 10**6
HEAP = "heap, plain Python"
ENGINES = ["DuckDB", "ClickHouse (chdb)"]

Result = dict[str, Any]  # of a part, a group or a case, as in results.json
Results = dict[str, Result]
Measurement = Callable[[Results], Sequence[float]]  # returns a figure round by round; nothing if it was not measured


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure with the bound that it must keep and the one that it should keep.

    Attributes:
        figure: The name of the figure.
        must: The bound that it must keep. None if it is only reported.
        aim: The bound that it should keep.
        measured: Returns the figure round by round; nothing if it was not measured.
        more: Whether a larger figure is better.
        unit: The unit, written after the number.
        digits: The decimals of the measured figure.
    """

    figure: str
    must: float | None
    aim: float
    measured: Measurement
    more: bool = False
    unit: str = ""
    digits: int = 2


def cases(part: Result) -> Iterator[Result]:
    """Yield the cases of all groups of a part."""
    for group in part["groups"]:
        yield from group["cases"]


def is_wrong(case: Result) -> bool:
    """Return whether a case failed, or its answer is not exact."""
    return bool(case["failure"]) or case["exact"] is False


def is_out_of_memory(case: Result) -> bool:
    """Return whether a case with a memory limit has run out of memory, which is a result."""
    return (
        bool(case.get("is_limited"))
        and re.search("out of memory|memory limit", case["failure"], re.IGNORECASE) is not None
    )


def series(found: Results, part: str, name: str, field: str) -> list[float]:
    """Return a figure of a case, round by round; nothing if it was not measured or is wrong.

    If two cases have the same name, takes the second one, which is on the large file.
    """
    fitting = [case for case in cases(found.get(part, {"groups": []})) if case["name"] == name and not is_wrong(case)]
    return list(fitting[-1][field]) if fitting else []


def divided(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Return the ratios, round by round: two cases that took turns were slowed down by the same load."""
    return [a / b for a, b in zip(over, under, strict=bool(over and under))]


def ratio(part: str, over: str, under: str, field: str = "seconds") -> Measurement:
    """Return the measurement of the ratio of two times, or of another figure of two cases."""
    return lambda found: divided(series(found, part, over, field), series(found, part, under, field))


def peak(part: str, name: str) -> Measurement:
    """Return the measurement of a case's peak memory in MB."""
    return lambda found: [size / MB for size in series(found, part, name, "peak")]


def seconds(part: str, name: str) -> Measurement:
    """Return the measurement of a case's time."""
    return lambda found: series(found, part, name, "seconds")


def fastest(part: str, names: Sequence[str], under: str) -> Measurement:
    """Return the measurement of the time of the fastest of some cases, divided by that of another one.

    It is infinite if all of them ran out of memory.
    """

    def measured(found: Results) -> list[float]:
        times = [taken for name in names if (taken := series(found, part, name, "seconds"))]
        fitting = [case for case in cases(found.get(part, {"groups": []})) if case["name"] in names]
        if fitting and all(map(is_out_of_memory, fitting)):
            times = [[inf] * len(series(found, part, under, "seconds"))]
        return divided(min(times, key=median, default=[]), series(found, part, under, "seconds"))

    return measured


def sizes(part: str, over: str, under: str) -> Measurement:
    """Return the measurement of the ratio of two sizes."""

    def measured(found: Results) -> list[float]:
        known = {size["name"]: size["bytes"] for size in found.get(part, {}).get("sizes", [])}
        return [known[over] / known[under]] if {over, under} <= {*known} else []

    return measured


def of_mart(names: marts.Names, must: float, aim: float) -> list[Goal]:
    """Return the goals for loading hours into a mart: one hour, to copying its rows, and a day."""
    name, copying = names.database, names.copying
    return [
        Goal(f"{name}: an hour in a load, to {copying}", must, aim, ratio("mart", names.following, names.bare)),
        Goal(f"{name}: an hour alone, to {copying}", must, aim, ratio("mart", names.alone, names.bare)),
        Goal(f"{name}: 24 hours in a load, to 24 times one", 1, 1, ratio("mart", names.all, names.each)),
    ]


def doubled(field: str) -> Measurement:
    """Return the measurement of an hour with twice the rows, divided by that of the plain hour."""

    def measured(found: Results) -> list[float]:
        names = [case["name"] for case in cases(found["growth"])] if "growth" in found else []
        once, twice = (series(found, "growth", name, field) for name in (names or ["", ""])[:2])
        return divided(twice, once)

    return measured


GOALS = [
    Goal("`pvtop report`, dump in the cache, whole process, to `gzip -dc`", 1.6, 1.0, ratio("hour", REPORT, GZIP)),
    Goal("its compute part, to `gzip -dc`", 1.2, 0.8, ratio("hour", COMPUTE, GZIP)),
    Goal(
        "the faster of DuckDB and chdb, to `pvtop report`",
        1.6,
        2.5,
        fastest("alternatives", ENGINES, REPORT),
        more=True,
    ),
    Goal("the heap in plain Python, to `pvtop report`", 12, 20, ratio("alternatives", HEAP, REPORT), more=True),
    Goal("peak memory of an hour", 400, 250, peak("hour", REPORT), unit=" MB", digits=0),
    Goal("24 hours in a batch, to 24 times `gzip -dc`", 0.9, 0.7, ratio("batch", BATCH, GZIP)),
    Goal("peak memory of that batch", 1_000, 600, peak("batch", BATCH), unit=" MB", digits=0),
    Goal("24 hours over the network, to the bare transfer", 1.1, 1.0, ratio("network", NETWORK, BARE)),
    Goal('`pvtop --help`, to `python -c "import typer"`', 1.5, 1.2, ratio("reading", HELP, TYPER)),
    Goal("twice the rows: time", 2.1, 2.0, doubled("seconds")),
    Goal("twice the rows: memory", 1.2, 1.05, doubled("peak")),
    Goal("a day file from 24 dumps, to `gzip -dc` of them", 4.0, 2.5, ratio("day", days.BUILD, days.GZIP_DAY)),
    Goal("its peak memory", 1_200, 800, peak("day", days.BUILD), unit=" MB", digits=0),
    Goal("its size, to the 24 dumps", 0.40, 0.33, sizes("day", days.DAY_SIZE, days.DUMPS_SIZE)),
    Goal(
        "a day's top 25 from its day file, to `gzip -dc` of the 24 dumps",
        0.20,
        0.08,
        ratio("day", days.TOP_OF_DAY, days.GZIP_DAY),
    ),
    Goal("its peak memory", 1_200, 500, peak("day", days.TOP_OF_DAY), unit=" MB", digits=0),
    Goal("one page's hours of a day, to `pvtop show` of an hour", 1.4, 1.1, ratio("series", days.ONE_DAY, days.SHOW)),
    Goal("one page over 30 days, to one day", 6, 3, ratio("series", days.ONE_PAGE, days.ONE_DAY)),
    Goal("1,000 pages of one wiki over 30 days, to one page", 4, 2, ratio("series", days.ONE_WIKI, days.ONE_PAGE)),
    Goal(
        "1,000 pages of all domains over 30 days, to Polars reading code and title once",
        2.5,
        1.5,
        ratio("series", days.ALL_WIKIS, days.TITLES),
    ),
    Goal(
        "a day's rollup from its dumps, to the batch of these hours",
        3,
        2,
        ratio("day", days.FROM_DUMPS, days.BATCH_OF_DAY),
    ),
    Goal(
        "memory of a rollup of a week from dumps, to a day",
        1.3,
        1.1,
        ratio("memory", days.ALL_FROM_DUMPS, days.ONE_FROM_DUMPS, "peak"),
    ),
    Goal(
        "memory of a rollup of a week from day files, to a day",
        1.3,
        1.1,
        ratio("memory", days.ALL_FROM_FILES, days.ONE_FROM_FILES, "peak"),
    ),
    Goal("memory of `pvtop movers --against 7d`", 1_200, 800, peak("memory", days.MOVERS), unit=" MB", digits=0),
    Goal(
        "memory of a month's rollup from day files", 1_200, 800, peak("memory", days.MONTH_ROLLUP), unit=" MB", digits=0
    ),
    Goal(
        "a day's rollup from its dumps: the faster of DuckDB and chdb within 1,200 MB, to pvtop",
        1.5,
        3,
        fastest("engines", [days.DUCKDB, days.CHDB], days.FROM_DUMPS),
        more=True,
    ),
    Goal(
        "a day's rollup from its dumps: the faster of DuckDB and chdb within 8,000 MB, to pvtop",
        None,
        3,
        fastest("engines", [days.DUCKDB_MORE, days.CHDB_MORE], days.FROM_DUMPS),
        more=True,
    ),
    Goal(
        "a day's top 25 from its day file with DuckDB, to pvtop",
        None,
        1,
        ratio("engines", days.DUCKDB_TOP, days.TOP_OF_DAY),
        more=True,
    ),
    Goal(
        "one page of a day file with DuckDB, to pvtop",
        None,
        1,
        ratio("engines", days.DUCKDB_PAGE, days.ONE_DAY),
        more=True,
    ),
    *of_mart(marts.DUCKDB, 3, 2),
    *of_mart(marts.POSTGRESQL, 4, 2.5),
    *of_mart(marts.MARIADB, 4, 2.5),
    Goal(
        "a year of hours into a mart on DuckDB", 1_800, 900, seconds("mart-year", marts.LOAD_YEAR), unit=" s", digits=0
    ),
    Goal("a month's top 10 of a domain from that mart", 0.5, 0.25, seconds("mart-year", marts.QUERY_YEAR), unit=" s"),
]


def verdict(goal: Goal, value: float) -> str:
    """Return which bound a figure keeps."""
    sign = -1 if goal.more else 1
    if sign * value <= sign * goal.aim:
        return "aim reached"
    if goal.must is None:
        return "aim missed"
    return "must kept" if sign * value <= sign * goal.must else "**missed**"
