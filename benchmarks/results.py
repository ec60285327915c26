"""Write the results as a page: the figures of every part, and how they compare with the goals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from parts import BARE, BATCH, COMPUTE, GZIP, HELP, NETWORK, REPORT, TYPER

MB = 10**6
HEAP = "heap, plain Python"
PICTURES = {"alternatives": "alternatives.svg", "growth": "growth.svg"}
HEAD = [
    "# Results",
    "",
    "Made by `make bench`; [README.md](README.md) describes what is measured and how. Figures are medians of all",
    "rounds, with minimum and maximum. A ratio is computed round by round, from two processes that took turns.",
    "",
    "| figure | must | aim | measured | |",
    "|---|---:|---:|---:|---|",
]
ENGINES = ["DuckDB", "ClickHouse (chdb)"]

Result = dict[str, Any]  # of a part, a group or a case, as in results.json
Results = dict[str, Result]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure with the bound that it must keep and the one that it should keep.

    Attributes:
        figure: The name of the figure.
        must: The bound that it must keep.
        aim: The bound that it should keep.
        measured: Returns the figure round by round; nothing if it was not measured.
        more: Whether a larger figure is better.
        unit: The unit, written after the number.
    """

    figure: str
    must: float
    aim: float
    measured: Callable[[Results], Sequence[float]]
    more: bool = False
    unit: str = ""


def cases(part: Result) -> Iterator[Result]:
    """Yield the cases of all groups of a part."""
    for group in part["groups"]:
        yield from group["cases"]


def is_wrong(case: Result) -> bool:
    """Return whether a case failed, or its answer is not exact."""
    return bool(case["failure"]) or case["exact"] is False


def series(found: Results, part: str, name: str, field: str) -> list[float]:
    """Return a figure of a case, round by round; nothing if it was not measured or is wrong.

    If two cases have the same name, takes the second one, which is on the large file.
    """
    fitting = [case for case in cases(found.get(part, {"groups": []})) if case["name"] == name and not is_wrong(case)]
    return list(fitting[-1][field]) if fitting else []


def divided(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Return the ratios, round by round: two cases that took turns were slowed down by the same load."""
    return [a / b for a, b in zip(over, under, strict=bool(over and under))]


def ratio(part: str, over: str, under: str) -> Callable[[Results], list[float]]:
    """Return the measurement of the ratio of two times."""
    return lambda found: divided(series(found, part, over, "seconds"), series(found, part, under, "seconds"))


def peak(part: str, name: str) -> Callable[[Results], list[float]]:
    """Return the measurement of a case's peak memory in MB."""
    return lambda found: [size / MB for size in series(found, part, name, "peak")]


def engines(found: Results) -> list[float]:
    """Return the time of the faster SQL engine, divided by that of pvtop."""
    times = [taken for name in ENGINES if (taken := series(found, "alternatives", name, "seconds"))]
    return divided(min(times, key=median, default=[]), series(found, "alternatives", REPORT, "seconds"))


def doubled(field: str) -> Callable[[Results], list[float]]:
    """Return the measurement of an hour with twice the rows, divided by that of the plain hour."""

    def measured(found: Results) -> list[float]:
        names = [case["name"] for case in cases(found["growth"])] if "growth" in found else []
        once, twice = (series(found, "growth", name, field) for name in (names or ["", ""])[:2])
        return divided(twice, once)

    return measured


GOALS = [
    Goal("`pvtop report`, dump in the cache, whole process, to `gzip -dc`", 1.6, 1.0, ratio("hour", REPORT, GZIP)),
    Goal("its compute part, to `gzip -dc`", 1.2, 0.8, ratio("hour", COMPUTE, GZIP)),
    Goal("the faster of DuckDB and chdb, to `pvtop report`", 1.6, 2.5, engines, more=True),
    Goal("the heap in plain Python, to `pvtop report`", 12, 20, ratio("alternatives", HEAP, REPORT), more=True),
    Goal("peak memory of an hour", 400, 250, peak("hour", REPORT), unit=" MB"),
    Goal("24 hours in a batch, to 24 times `gzip -dc`", 0.9, 0.7, ratio("batch", BATCH, GZIP)),
    Goal("peak memory of that batch", 1_000, 600, peak("batch", BATCH), unit=" MB"),
    Goal("24 hours over the network, to the bare transfer", 1.1, 1.0, ratio("network", NETWORK, BARE)),
    Goal('`pvtop --help`, to `python -c "import typer"`', 1.5, 1.2, ratio("reading", HELP, TYPER)),
    Goal("twice the rows: time", 2.1, 2.0, doubled("seconds")),
    Goal("twice the rows: memory", 1.2, 1.05, doubled("peak")),
]


def verdict(goal: Goal, value: float) -> str:
    """Return which bound a figure keeps."""
    sign = -1 if goal.more else 1
    if sign * value <= sign * goal.aim:
        return "aim reached"
    return "must kept" if sign * value <= sign * goal.must else "**missed**"


def page(found: Results) -> str:
    """Return the results as Markdown."""
    parts = [line for name, part in found.items() for line in _part(name, part)]
    return "\n".join([*HEAD, *map(_goal, GOALS, [goal.measured(found) for goal in GOALS]), *parts]) + "\n"


def _goal(goal: Goal, values: Sequence[float]) -> str:
    sign = "≥" if goal.more else "≤"
    bounds = " | ".join(f"{sign} {bound:g}{goal.unit}" for bound in (goal.must, goal.aim))
    if not values:
        return f"| {goal.figure} | {bounds} | | not measured |"
    measured = _spread(values, 0 if goal.unit else 2) + goal.unit
    return f"| {goal.figure} | {bounds} | {measured} | {verdict(goal, median(values))} |"


def _part(name: str, part: Result) -> Iterator[str]:
    yield f"\n## {name.capitalize()}\n"
    yield f"{part['date']}, load {part['load']:.1f} before. " + ", ".join(part["machine"].values()) + "."
    yield ", ".join(f"{package} {number}" for package, number in part["versions"].items()) + "."
    for group in part["groups"]:
        yield from _group(group)
    for profile in part.get("profiles", []):
        yield from _profile(profile)
    if part["counts"]:
        yield "\n### Calls\n"
        yield "| command | in the | folders listed | files opened |\n|---|---|---:|---:|"
        yield from (
            f"| {one['name']} | {one['folder']} | {one['listed']:,} | {one['opened']:,} |" for one in part["counts"]
        )
    if name in PICTURES:
        yield f"\n![{name}]({PICTURES[name]})"


def _group(group: Result) -> Iterator[str]:
    measured = [case for case in group["cases"] if case["seconds"]]
    rounds = max((len(case["seconds"]) for case in measured), default=0)
    yield f"\n### {group['title']}\n"
    yield f"| {rounds} round{'s' if rounds > 1 else ''} | seconds | CPU seconds | peak MB | to the first | answer |"
    yield "|---|---:|---:|---:|---:|---|"
    for case in group["cases"]:
        answer = {True: "exact", False: "**wrong**", None: ""}[case["exact"]]
        if case["failure"]:
            answer = f"**failed**: {case['failure']}"
        figures = _figures(case, measured[0]) if case in measured else " | | | "
        yield f"| {case['name']} | {figures} | {answer} |"
    yield from (f"| {name} | | | | | not installed |" for name in group["not_installed"])


def _profile(profile: Result) -> Iterator[str]:
    yield f"\n### {profile['title']}\n"
    yield "| step | seconds | peak MB until its end |\n|---|---:|---:|"
    for step in profile["steps"]:
        peaks = [size / MB for size in step["peak"]]
        yield f"| {step['name']} | {_spread(step['seconds'], 3)} | {_spread(peaks, 0)} |"


def _figures(case: Result, first: Result) -> str:
    peaks = [size / MB for size in case["peak"]]
    times = median(case["seconds"]) / median(first["seconds"])
    return f"{_spread(case['seconds'], 2)} | {median(case['cpu']):.2f} | {_spread(peaks, 0)} | {times:.2f}"


def _spread(values: Sequence[float], digits: int) -> str:
    """Return the median; with minimum and maximum if there are several values."""
    shown = f"{median(values):,.{digits}f}"
    return f"{shown} ({min(values):,.{digits}f}-{max(values):,.{digits}f})" if len(values) > 1 else shown
