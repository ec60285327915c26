"""Draw the results as SVG: bars for the alternatives, points and lines for growth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from statistics import median
from typing import Any

from goals import MB, Result, Results, is_wrong
from results import PICTURES

WIDTH = 900
MARGIN = 24
LABELS = 230  # width of the names of bars
BAR = 16
PANEL = 190  # height
LABEL_APART = 30  # a label that is closer to the one before is not drawn
OURS, OTHERS, INK, PAPER = "#c2410c", "#64748b", "#1e293b", "#ffffff"


def pictures(found: Results) -> dict[str, str]:
    """Return the pictures that there are results for: file names and SVG."""
    drawn = {}
    if "alternatives" in found:
        drawn[PICTURES["alternatives"]] = bars(found["alternatives"]["groups"][-1])
    if "growth" in found:
        drawn[PICTURES["growth"]] = lines(found["growth"]["groups"])
    return drawn


def bars(group: Result) -> str:
    """Draw time and peak memory of every case side by side: medians as bars, minimum to maximum as a line."""
    cases = [case for case in group["cases"] if not is_wrong(case)]
    height = 2 * MARGIN + 2 * BAR * len(cases) + BAR
    wide = (WIDTH - LABELS - 3 * MARGIN - 80) / 2
    shapes = []
    for column, (title, field, unit, digits) in enumerate([("seconds", "seconds", 1, 2), ("peak MB", "peak", MB, 0)]):
        left = LABELS + MARGIN + column * (wide + MARGIN + 40)
        most = max(max(case[field]) for case in cases)
        shapes.append(text(left, MARGIN, title, weight="bold"))
        for row, case in enumerate(cases):
            top = 2 * MARGIN + 2 * BAR * row
            least, middle, largest = (f(case[field]) * wide / most for f in (min, median, max))
            colour = OURS if case["name"].startswith("pvtop") else OTHERS
            if column == 0:
                shapes.append(text(LABELS, top + BAR - 3, case["name"], anchor="end"))
            shapes.append(f'<rect x="{left:.1f}" y="{top}" width="{middle:.1f}" height="{BAR}" fill="{colour}"/>')
            shapes.append(line([(left + least, top + BAR / 2), (left + largest, top + BAR / 2)], INK))
            shapes.append(text(left + largest + 5, top + BAR - 3, f"{median(case[field]) / unit:,.{digits}f}"))
    return svg(height, shapes)


def lines(groups: Sequence[Result]) -> str:
    """Draw time and peak memory of every group by input size. Axes start at zero: linear growth is a straight line."""
    wide = (WIDTH - MARGIN) / len(groups) - 3 * MARGIN
    shapes: list[str] = []
    for column, group in enumerate(groups):
        cases = [case for case in group["cases"] if not is_wrong(case)]
        for row, (field, unit, shown) in enumerate([("seconds", 1.0, "seconds"), ("peak", MB, "peak MB")]):
            left, bottom = 3 * MARGIN + column * (wide + 3 * MARGIN), (row + 1) * (PANEL + 3 * MARGIN) - MARGIN
            shapes += panel(cases, field, unit, (left, bottom, wide))
            shapes.append(text(left, bottom - PANEL - 8, f"{shown} by {group['axis']}", weight="bold"))
    return svg(2 * (PANEL + 3 * MARGIN), shapes)


def panel(cases: Sequence[dict[str, Any]], field: str, unit: float, place: tuple[float, float, float]) -> Iterator[str]:
    """Draw one curve with its axes. `place` is its left edge, bottom and width."""
    left, bottom, wide = place
    most_x = max((case["size"] for case in cases), default=0) or 1
    most_y = max((max(case[field]) for case in cases), default=unit)
    points = [(left + case["size"] * wide / most_x, bottom - median(case[field]) * PANEL / most_y) for case in cases]
    yield line([(left, bottom - PANEL), (left, bottom), (left + wide, bottom)], OTHERS)
    yield line(points, OURS)
    labelled = 0.0
    for (x, y), case in zip(points, cases, strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{OURS}"/>'
        if x - labelled > LABEL_APART:
            yield text(x, bottom + 15, f"{case['size']:,}", anchor="middle")
            labelled = x
    for share in (0.5, 1):
        yield text(left - 5, bottom - share * PANEL + 4, f"{share * most_y / unit:,.3g}", anchor="end")


def line(points: Sequence[tuple[float, float]], colour: str) -> str:
    """Draw a line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def text(x: float, y: float, words: str, anchor: str = "start", weight: str = "normal") -> str:
    """Draw words; `y` is their base line."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'


def svg(height: float, shapes: Sequence[str]) -> str:
    """Return an SVG document of the shapes."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">'
    )
    return "\n".join([head, f'<rect width="100%" height="100%" fill="{PAPER}"/>', *shapes, "</svg>", ""])
