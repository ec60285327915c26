"""Write the results as a page: the figures of every part, and how they compare with the goals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isinf
from statistics import median

from goals import GOALS, MB, Goal, Result, Results, verdict

PICTURES = {"alternatives": "alternatives.svg", "growth": "growth.svg"}
SHORT = 0.5  # seconds; of a shorter time, milliseconds are shown
HEAD = [
    "# Results",
    "",
    "Made by `make bench`; [README.md](README.md) describes what is measured and how. Figures are medians of all",
    "rounds, with minimum and maximum. A ratio is computed round by round, from two processes that took turns.",
    "",
    "| figure | must | aim | measured | |",
    "|---|---:|---:|---:|---|",
]


def page(found: Results) -> str:
    """Return the results as Markdown."""
    parts = [line for name, part in found.items() for line in _part(name, part)]
    return "\n".join([*HEAD, *map(_goal, GOALS, [goal.measured(found) for goal in GOALS]), *parts]) + "\n"


def _goal(goal: Goal, values: Sequence[float]) -> str:
    sign = "≥" if goal.more else "≤"
    bounds = " | ".join(
        "reported" if bound is None else f"{sign} {bound:g}{goal.unit}" for bound in (goal.must, goal.aim)
    )
    if not values:
        return f"| {goal.figure} | {bounds} | | not measured |"
    measured = "out of memory" if isinf(median(values)) else _spread(values, goal.digits) + goal.unit
    return f"| {goal.figure} | {bounds} | {measured} | {verdict(goal, median(values))} |"


def _part(name: str, part: Result) -> Iterator[str]:
    yield f"\n## {name.capitalize()}\n"
    yield f"{part['date']}, load {part['load']:.1f} before. " + ", ".join(part["machine"].values()) + "."
    yield ", ".join(f"{package} {number}" for package, number in part["versions"].items()) + "."
    for group in part["groups"]:
        yield from _group(group)
    if part.get("sizes"):
        yield "\n### Sizes\n"
        yield "| | bytes |\n|---|---:|"
        yield from (f"| {one['name']} | {one['bytes']:,} |" for one in part["sizes"])
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
    if group.get("note"):
        yield f"{group['note']}\n"
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
    digits = 2 if median(case["seconds"]) >= SHORT else 3
    return f"{_spread(case['seconds'], digits)} | {median(case['cpu']):.2f} | {_spread(peaks, 0)} | {times:.2f}"


def _spread(values: Sequence[float], digits: int) -> str:
    """Return the median; with minimum and maximum if there are several values."""
    shown = f"{median(values):,.{digits}f}"
    return f"{shown} ({min(values):,.{digits}f}-{max(values):,.{digits}f})" if len(values) > 1 else shown
