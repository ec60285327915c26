"""The bundled sample: made by its script, true to itself and its README, and decoded by pvtop as by the reference."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.pipeline.hour import run_hour
from pvtop.settings import Settings
from support.reference import entries_of, lines_of, page_of, reference
from support.samples import DATA

SOURCE = DATA / "source"
DUMPS = sorted(SOURCE.rglob("pageviews-*.gz"))
ROWS = (DATA / "README.md").read_text().splitlines()
EXCLUDED = entries_of((DATA / "blacklist").read_bytes())
DAY_BEFORE, DAY, DAY_AFTER = "2024-12-29", "2024-12-30", "2024-12-31"
MISSING = "2024-12-29T13"
FEWEST = 500
"""Views of a day, from which on a page counts as a mover or a spike."""

Page = tuple[str, str]


class Mover(NamedTuple):
    """A page with many views from the first to the last of some hours, on desktop and mobile."""

    kind: str
    code: str
    title: str
    first: str
    last: str


class Spike(NamedTuple):
    """A page with most views of a day in one hour."""

    kind: str
    code: str
    title: str
    stamp: str


MOVERS = [
    Mover("mover", "en", "Bicycle", "2024-12-30T07", "2024-12-30T23"),
    Mover("mover", "ja", "ゴジラ", "2024-12-30T04", "2024-12-30T15"),
    Mover("mover", "pt", "Eça_de_Queirós", "2024-12-30T11", "2024-12-30T23"),
    Mover("on the blacklist", "en", "Prime_number", "2024-12-30T09", "2024-12-30T20"),
]
SPIKES = [
    Spike("on desktop", "en", "DNA", "2024-12-30T04"),
    Spike("on mobile", "es", "Paella", "2024-12-30T13"),
    Spike("on both", "fr", "Molière", "2024-12-30T21"),
    Spike("unknown", "de", "-", "2024-12-30T15"),
]
IN_ONE_HOUR = {
    ("fr.m", '"L\'Heure_bleue"'): "2024-12-29T09",
    ("zh.m", "哈雷彗星"): "2024-12-30T06",
    ("en", "Halley's_Comet"): "2024-12-30T19",
    ("is", "Forsíða"): "2024-12-30T10",
    ("is", "Reykjavík"): "2024-12-30T10",
}


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_script_reproduces_the_sample(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATA / "make_sample.py", tmp_path], check=True, capture_output=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    kept = [path.relative_to(DATA) for path in [*SOURCE.rglob("*"), DATA / "blacklist"] if path.is_file()]
    assert made == sorted(kept)
    # Compared unpacked: another zlib may pack the same bytes in another way.
    assert [path for path in made if unpacked(tmp_path / path) != unpacked(DATA / path)] == []


def test_sample_covers_three_days_but_for_one_hour_and_a_leap_day() -> None:
    hours = [Hour.from_dump_name(path.name) for path in DUMPS]
    leap, first = Hour.parse("2016-02-28T23"), Hour.parse("2024-12-29T01")
    days = [first + i for i in range(73)]
    days.remove(Hour.parse(MISSING))
    assert hours == [leap + i for i in range(4)] + days
    assert not (SOURCE / Hour.parse(MISSING).dump_path.replace("pageviews", "projectviews")).exists()


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.name)
def test_reports_of_the_sample_match_the_reference(dump: Path, tmp_path: Path) -> None:
    hour = Hour.from_dump_name(dump.name)
    assert hour
    expected = reference(unpacked(dump), (DATA / "blacklist").read_bytes())
    run_hour(hour, Settings.load(source=str(SOURCE), blacklist=str(DATA / "blacklist"), output=str(tmp_path)))
    report = Lake(str(tmp_path)).read(hour)
    assert report.top_pages.rows() == expected.top_pages
    assert report.domains.rows() == expected.domains
    assert report.provenance.malformed == len(expected.malformed)
    assert report.provenance.blacklisted_rows == expected.blacklisted_rows > 0


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.name)
def test_projectviews_of_the_sample_are_sums_of_its_dumps(dump: Path) -> None:
    listed = dump.with_name(dump.stem.replace("pageviews", "projectviews")).read_text().splitlines()
    counted = [(code or '""', views) for code, _, views, _, _ in reference(unpacked(dump)).domains]
    assert sorted(listed) == sorted(f"{code} - {views} 0" for code, views in counted)


def hours_of(day: str) -> list[Hour]:
    """Return the hours whose views fall on a UTC day."""
    return [Hour.parse(f"{day}T01") + i for i in range(24)]


@cache
def pages_of_hour(hour: Hour) -> dict[Page, int]:
    """Return the views of each page in one hour, or nothing if its dump is missing."""
    dump = SOURCE / hour.dump_path
    lines = lines_of(unpacked(dump)) if dump.exists() else []
    return {(page.code, page.title): page.views for page in map(page_of, lines) if page}


def views(day: str, code: str, title: str) -> list[int]:
    """Return the views of a page in each hour of a day."""
    return [pages_of_hour(hour).get((code, title), 0) for hour in hours_of(day)]


def pages_of_day(day: str) -> dict[Page, list[int]]:
    """Return the views in each hour, desktop and mobile, of the pages that movers and spikes do not leave out."""
    pages: dict[Page, list[int]] = {}
    for place, hour in enumerate(hours_of(day)):
        for (code, title), count in pages_of_hour(hour).items():
            if (code, title) not in EXCLUDED and title != "-":
                pages.setdefault((code.removesuffix(".m"), title), [0] * 24)[place] += count
    return pages


def split(day: str, code: str, title: str) -> str:
    """Return the views of a page on one day as the README shows them: desktop + mobile."""
    desktop, mobile = sum(views(day, code, title)), sum(views(day, f"{code}.m", title))
    return f"{desktop:,} + {mobile:,}"


def share(desktop: int, mobile: int) -> str:
    return f"{mobile / (desktop + mobile):.2f}"


@pytest.mark.parametrize(
    ("day", "missing"), [(DAY_BEFORE, f"`{MISSING}`"), (DAY, "none"), (DAY_AFTER, "none")], ids=str
)
def test_readme_of_the_sample_lists_its_days(day: str, missing: str) -> None:
    hours = hours_of(day)
    dumps = [hour for hour in hours if (SOURCE / hour.dump_path).exists()]
    total = sum(sum(pages_of_hour(hour).values()) for hour in hours)
    assert f"| {day} | {hours[0].iso} to {hours[-1].iso} | {len(dumps)} | {missing} | {total:,} |" in ROWS


@pytest.mark.parametrize("mover", MOVERS, ids=lambda mover: mover.title)
def test_mover_of_the_sample_is_far_above_its_day_before_in_many_hours(mover: Mover) -> None:
    kind, code, title, first, last = mover
    excluded = {(code, title), (f"{code}.m", title)} & EXCLUDED
    assert len(excluded) == (2 if kind == "on the blacklist" else 0)
    for access in (code, f"{code}.m"):
        hours = dict(zip(hours_of(DAY), views(DAY, access, title), strict=True))
        moved = [count for hour, count in hours.items() if first <= hour.iso <= last]
        others = [count for hour, count in hours.items() if not first <= hour.iso <= last]
        assert len(moved) >= 12
        assert min(moved) > 3 * max(others + views(DAY_BEFORE, access, title))
    levels = f"{split(DAY_BEFORE, code, title)} | {split(DAY, code, title)}"
    assert f"| {kind} | `{code}`, `{code}.m` | `{title}` | {first} to {last[-3:]} | {levels} |" in ROWS


@pytest.mark.parametrize("spike", SPIKES, ids=lambda spike: spike.title)
def test_spike_of_the_sample_has_most_of_its_day_in_one_hour(spike: Spike) -> None:
    kind, code, title, stamp = spike
    place = hours_of(DAY).index(Hour.parse(stamp))
    desktop, mobile = views(DAY, code, title), views(DAY, f"{code}.m", title)
    assert desktop[place] + mobile[place] > (sum(desktop) + sum(mobile)) / 2
    in_hour = f"{desktop[place]:,} + {mobile[place]:,} | {split(DAY, code, title)}"
    shares = f"{share(desktop[place], mobile[place])} | {share(sum(desktop), sum(mobile))}"
    assert f"| {kind} | `{code}`, `{code}.m` | `{title}` | {stamp} | {in_hour} | {shares} |" in ROWS


def test_spikes_of_the_sample_are_on_desktop_on_mobile_and_half_on_each() -> None:
    shares = []
    for _, code, title, stamp in SPIKES[:3]:
        desktop, mobile = (pages_of_hour(Hour.parse(stamp)).get((it, title), 0) for it in (code, f"{code}.m"))
        shares.append(mobile / (desktop + mobile))
    assert (shares[0] < 0.01, shares[1] > 0.99, 0.4 < shares[2] < 0.6) == (True, True, True)


def test_no_other_page_of_the_sample_moves_or_spikes() -> None:
    before = pages_of_day(DAY_BEFORE)
    many = {page: hours for page, hours in pages_of_day(DAY).items() if sum(hours) >= FEWEST}
    moved = {page for page, hours in many.items() if sum(hours) >= 5 * sum(before.get(page, []))}
    spiked = {page for page, hours in many.items() if max(hours) > sum(hours) / 2}
    assert spiked == {(spike.code, spike.title) for spike in SPIKES if spike.kind != "unknown"}
    assert moved == spiked | {(mover.code, mover.title) for mover in MOVERS if mover.kind == "mover"}


def test_pages_and_a_domain_of_the_sample_are_in_one_hour_only() -> None:
    hours = [hour for dump in DUMPS if (hour := Hour.from_dump_name(dump.name)) and hour.iso > "2024"]
    counted = Counter(page for hour in hours for page in pages_of_hour(hour))
    once = {page for page, count in counted.items() if count == 1}
    assert {page: hour.iso for hour in hours for page in pages_of_hour(hour) if page in once} == IN_ONE_HOUR
    codes = Counter(code for hour in hours for code in {code for code, _ in pages_of_hour(hour)})
    assert [code for code, count in codes.items() if count == 1] == ["is"]
    (pages,) = [row for row in ROWS if row.startswith("| pages in one hour only")]
    (domain,) = [row for row in ROWS if row.startswith("| a domain in one hour only")]
    assert pages.split(" | ")[1:] == [
        "12-29T09, 12-30T06, T19",
        "; ".join(f"`{code}`: `{title}`" for code, title in IN_ONE_HOUR if code != "is") + " |",
    ]
    assert domain.split(" | ")[1:] == ["12-30T10", "`is`: `Forsíða`, `Reykjavík` |"]
