"""Check the answers of commands: what a command wrote to its folder, and what it printed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from commands import ANSWER, CONTACT, LAKE
from measure import Figures
from pvtop import Hour
from pvtop.lake.layout import top_pages_path

Check = Callable[[Path, Figures], bool]


def answers(reference: Path) -> Check:
    """Return a check that compares the Parquet file of a script with the reference."""
    return lambda folder, _: read(folder / ANSWER).equals(read(reference))


def holds(references: Mapping[Hour, Path]) -> Check:
    """Return a check that compares every hour in the lake of pvtop with its reference."""
    return lambda folder, _: all(
        read(folder / LAKE / top_pages_path(hour)).equals(read(path)) for hour, path in references.items()
    )


def politely(check: Check) -> Check:
    """Return a check of the answer and of the server's view: at most three connections, none refused, a contact."""

    def checked(folder: Path, figures: Figures) -> bool:
        seen = json.loads(figures.stdout)
        known = all(agent.startswith("pvtop/") and f"({CONTACT})" in agent for agent in seen["agents"])
        return seen["connections"] <= 3 and not seen["refused"] and known and check(folder, figures)

    return checked


def read(answer: Path) -> pl.DataFrame:
    """Read an answer or a reference. Columns: `domain_code` String, `rank` UInt32, `page_title` String, `views` Int64.

    Raises:
        polars.exceptions.PolarsError: The file has other columns or types.
    """
    schema = {"domain_code": pl.String, "rank": pl.UInt32, "page_title": pl.String, "views": pl.Int64}
    return pl.read_parquet(answer, hive_partitioning=False, schema=schema)


def prints(expected: object) -> Check:
    """Return a check that compares the JSON that a command prints."""
    return lambda _, figures: bool(json.loads(figures.stdout) == expected)


def prints_fields(expected: Mapping[str, object]) -> Check:
    """Return a check that compares some fields of the JSON that a command prints."""

    def check(_: Path, figures: Figures) -> bool:
        printed = json.loads(figures.stdout)
        return {name: printed[name] for name in expected} == expected

    return check


def plans(kind: str, count: int) -> Check:
    """Return a check of what `pvtop batch --dry-run --json` prints: the same action for every hour."""
    return lambda _, figures: [action["action"] for action in json.loads(figures.stdout)] == [kind] * count


def sum_of_lines(dump: Path) -> dict[str, int]:
    """Return rows and views of a dump without malformed lines, counted without Polars."""
    counting = """zcat "$1" | awk '{ views += $(NF - 1) } END { printf "%d %d", NR, views }'"""
    printed = subprocess.run(["sh", "-c", counting, "sh", dump], capture_output=True, check=True).stdout
    return dict(zip(("rows", "views"), map(int, printed.split()), strict=True))


def sum_of_domain(reports: Sequence[Path], domain: str) -> dict[str, int]:
    """Return rows and views of a domain in the reports of many hours. Reads each file once."""
    pages = {path: read(path).filter(domain_code=domain) for path in set(reports)}
    views = {path: sum(of_hour.get_column("views")) for path, of_hour in pages.items()}
    return {"rows": sum(len(pages[path]) for path in reports), "views": sum(views[path] for path in reports)}


def largest(report: Path) -> dict[str, object]:
    """Return the domain of the most viewed page with its pages, in the form of `pvtop show --json`."""
    pages = read(report)
    domain = pages.sort("views", descending=True).item(0, "domain_code")
    shown = pages.filter(domain_code=domain).select("rank", "views", "page_title")
    return {"domain_code": domain, "pages": shown.to_dicts()}
