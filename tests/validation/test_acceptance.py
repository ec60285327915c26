"""The acceptance of an hour: as a whole dump, compared with its neighbours, and with the report that it replaces."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pvtop.core.errors import InvalidReportError
from pvtop.core.hour import FIRST_STAMP, Hour
from pvtop.core.states import HourState
from pvtop.lake.failures import LAKE
from pvtop.lake.lake import Lake, Salvaged
from pvtop.lake.layout import domains_path, top_pages_path
from pvtop.lake.parquet import PROVENANCE_KEY
from pvtop.pipeline.hour import run_hour
from pvtop.settings import WIKIMEDIA, Settings
from pvtop.sources.facts import FileFacts, sidecar
from pvtop.storage.gzip import sha256_of
from pvtop.storage.registry import open_filesystem
from pvtop.transform.report import Report
from pvtop.validation.acceptance import (
    WHOLE_DUMP_RULES,
    expects_whole,
    neighbours,
    not_below_neighbours,
    not_much_smaller_than,
)
from pvtop.validation.rules import violations_of
from support.reports import HOUR, PROVENANCE, Totals, make_report

FEW_DOMAINS, FEW_VIEWS, MANY_BLACKLISTED, ENGLISH = (rule.text for rule in WHOLE_DUMP_RULES)
OTHERS: Sequence[Totals] = [(f"d{number:04}", 1, 1, 0, 0) for number in range(499)]


def whole(*wikis: tuple[str, int], others: Sequence[Totals] = OTHERS, views: int = 1_000_000, **facts: int) -> Report:
    """Make a report of wikis with so many views, and of many others with one."""
    totals = sorted([*others, *((code, 1, count, 0, 0) for code, count in wikis)])
    return make_report([], totals, HOUR, **{"views": views, "domains": len(totals)} | facts)


def broken(report: Report) -> list[str]:
    return [violation.rule for violation in violations_of(report, WHOLE_DUMP_RULES)]


# A whole dump.


@pytest.mark.parametrize(
    ("wikis", "rules"),
    [
        ([("en", 5_001)], []),
        ([("en", 5_000)], [ENGLISH]),
        ([("en", 3_000), ("en.m", 2_001)], []),
        ([("en", 3_000), ("en.m", 2_000)], [ENGLISH]),
        ([("en.m", 9_000), ("de", 8_999)], []),
        ([("en", 9_000), ("de", 9_000)], []),
        ([("en", 9_000), ("de", 9_001)], [ENGLISH]),
        ([("en", 9_000), ("de", 5_000), ("de.m", 4_001)], [ENGLISH]),
        ([("de", 6_000)], [ENGLISH]),
        ([("en.d", 9_000)], [ENGLISH]),
    ],
)
def test_whole_dump_has_most_views_in_english(wikis: list[tuple[str, int]], rules: list[str]) -> None:
    assert broken(whole(*wikis)) == rules


def test_whole_dump_has_many_domains() -> None:
    assert broken(whole(("en", 9_000), others=OTHERS[1:])) == [FEW_DOMAINS]


def test_whole_dump_has_entries_in_most_domains() -> None:
    assert broken(whole(("en", 9_000), domains=499)) == [FEW_DOMAINS]


def test_whole_dump_has_many_views() -> None:
    assert broken(whole(("en", 9_000), views=999_999)) == [FEW_VIEWS]


def test_whole_dump_is_not_mostly_blacklisted() -> None:
    assert broken(whole(("en", 9_000), blacklisted_views=500_000)) == []
    assert broken(whole(("en", 9_000), blacklisted_views=500_001)) == [MANY_BLACKLISTED]


@pytest.mark.parametrize(
    "address",
    [
        "https://dumps.wikimedia.org/other/pageviews/2024/2024-08/pageviews-20240803-060000.gz",
        "https://DUMPS.Wikimedia.ORG:443/other/pageviews",
        "HTTPS://dumps.wikimedia.org./other/pageviews",
        "http://dumps.wikimedia.org/other/pageviews",
        "https://dumps.wikimedia.your.org/other/pageviews",
        "https://mirror.accum.se/mirror/wikimedia.org/other/pageviews",
        "https://user:password@mirror.accum.se/mirror/wikimedia.org/other/pageviews",
    ],
)
def test_dumps_of_wikimedia_and_mirrors_are_expected_to_be_whole(address: str) -> None:
    assert expects_whole(address, expect_whole=None)
    assert not expects_whole(address, expect_whole=False)


@pytest.mark.parametrize(
    "address",
    [
        "https://dumps.wikimedia.org.example.org/other/pageviews",
        "https://example.org/dumps.wikimedia.org/other/pageviews",
        "https://dumps.wikimedia.org@example.org/other/pageviews",
        "https://old-dumps.wikimedia.org/other/pageviews",
        "https://wikimedia.org/other/pageviews",
        "http://127.0.0.1:8000",
        "s3://dumps.wikimedia.org/pageviews",
        "dumps.wikimedia.org/other/pageviews",
        "/srv/dumps.wikimedia.org/pageviews",
    ],
)
def test_dumps_of_other_sources_are_expected_to_be_whole_only_on_request(address: str) -> None:
    assert not expects_whole(address, expect_whole=None)
    assert expects_whole(address, expect_whole=True)


def test_part_of_a_wikimedia_dump_is_refused(tmp_path: Path) -> None:
    """The dump is at hand in the cache, so that nothing has to be asked of Wikimedia's server."""
    settings = Settings.load(output=str(tmp_path / "lake"), blacklist="none", cache_dir=tmp_path / "cache")
    dump = settings.cache_dir / HOUR.dump_path
    dump.parent.mkdir(parents=True)
    dump.write_bytes(gzip.compress(b"aa A 1 0\n", mtime=0))
    facts = FileFacts(f"{WIKIMEDIA}/{HOUR.dump_path}", dump.stat().st_size, sha256_of(dump))
    sidecar(dump).write_text(json.dumps({name: getattr(facts, name) for name in FileFacts.__dataclass_fields__}))
    with pytest.raises(InvalidReportError) as caught:
        run_hour(HOUR, settings)
    assert all(rule in caught.value.message for rule in (FEW_DOMAINS, FEW_VIEWS, ENGLISH))
    assert not Lake(settings.output).made_at([HOUR])
    assert run_hour(HOUR, settings.model_copy(update={"expect_whole": False})).state is HourState.MADE


# Neighbours.


def lake_of(tmp_path: Path, *hours: Hour) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    for hour in hours:
        lake.write(make_report(hour=hour))
    return lake


def stamps(hour: Hour, lake: Lake) -> list[str]:
    return [Hour.parse(made.stamp).iso for made in neighbours(hour, lake)]


def test_neighbours_are_the_nearest_two_hours(tmp_path: Path) -> None:
    hours = [HOUR + away for away in (-24, -3, -2, 0, 1, 5)]
    assert stamps(HOUR, lake_of(tmp_path, *hours)) == [(HOUR + 1).iso, (HOUR + -2).iso]


def test_neighbours_are_at_most_a_day_away(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, HOUR + -25, HOUR + -24, HOUR + 24, HOUR + 25)
    assert stamps(HOUR, lake) == [(HOUR + -24).iso, (HOUR + 24).iso]
    assert stamps(HOUR, lake_of(tmp_path / "further", HOUR + -25, HOUR + 25)) == []


def test_first_hour_has_neighbours_after_it(tmp_path: Path) -> None:
    first = Hour(FIRST_STAMP)
    assert stamps(first, lake_of(tmp_path, first + 3)) == [(first + 3).iso]


@pytest.mark.parametrize("length", [0, -1, -300])
def test_unreadable_report_is_not_a_neighbour(length: int, tmp_path: Path) -> None:
    lake = lake_of(tmp_path, HOUR + 1)
    path = tmp_path / "lake" / top_pages_path(HOUR + 1)
    path.write_bytes(path.read_bytes()[:length])
    assert neighbours(HOUR, lake) == []


@pytest.mark.parametrize(("views", "fine"), [(100, True), (99, False)])
def test_hour_is_compared_with_its_smallest_neighbour(views: int, *, fine: bool) -> None:
    others = [make_report(views=500).provenance, make_report(views=200).provenance]
    assert (violations_of(make_report(views=views), [not_below_neighbours(others, 0.5)]) == []) is fine


def settings_of(tmp_path: Path, *hours: tuple[Hour, int], others: int = 500) -> Settings:
    """Write dumps, each with so many views of `en` and a page for each of the other domains."""
    lines = [f"d{number:04} A 1 0" for number in range(others)]
    for hour, views in hours:
        path = tmp_path / "source" / hour.dump_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress("\n".join([*lines, f"en A {views} 0", ""]).encode(), mtime=0))
    return Settings.load(source=str(tmp_path / "source"), blacklist="none", output=str(tmp_path / "lake"))


@pytest.mark.parametrize("expect_whole", [True, None])
def test_hour_much_smaller_than_whole_neighbours_is_refused(tmp_path: Path, *, expect_whole: bool | None) -> None:
    """Wherever it comes from: a folder of whole dumps is protected as well."""
    loaded = settings_of(tmp_path, (HOUR, 3_000_000), (HOUR + 1, 1_400_000))
    asked = loaded.model_copy(update={"expect_whole": expect_whole})
    assert run_hour(HOUR, asked).state is HourState.MADE
    with pytest.raises(
        InvalidReportError, match=r"an hour has at least 50% of the views of its neighbours \(found views "
    ):
        run_hour(HOUR + 1, asked)
    assert run_hour(HOUR + 1, asked.model_copy(update={"min_share": 0.4})).state is HourState.MADE
    assert run_hour(HOUR + 1, asked.model_copy(update={"expect_whole": False, "force": True})).state is HourState.MADE


@pytest.mark.parametrize(("others", "views"), [(498, 3_000_000), (500, 999_000)])
def test_incomplete_neighbours_count_only_on_request(tmp_path: Path, others: int, views: int) -> None:
    settings = settings_of(tmp_path, (HOUR, views), (HOUR + 1, 9_000), others=others)
    assert run_hour(HOUR, settings).state is HourState.MADE
    with pytest.raises(InvalidReportError, match="of its neighbours"):
        run_hour(HOUR + 1, settings.model_copy(update={"expect_whole": True}))
    assert run_hour(HOUR + 1, settings).state is HourState.MADE


# In place of another report.


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a lake with a report of two domains, four pages and 40 views."""
    settings = Settings.load(source=str(tmp_path / "source"), blacklist="none", output=str(tmp_path / "lake"))
    write_dump(settings, "de A 10 0\nen A 10 0\nen B 10 0\nen C 10 0\n")
    assert run_hour(HOUR, settings).state is HourState.MADE
    return settings


def write_dump(settings: Settings, lines: str) -> None:
    path = Path(settings.source) / HOUR.dump_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(lines.encode(), mtime=0))


def assert_refused(settings: Settings, count: str) -> None:
    path = Path(settings.output) / top_pages_path(HOUR)
    kept = path.read_bytes()
    with pytest.raises(InvalidReportError, match=rf"of the report it replaces \(found count '{count}', "):
        run_hour(HOUR, settings)
    assert path.read_bytes() == kept
    assert run_hour(HOUR, settings.model_copy(update={"force": True})).state is HourState.MADE


def test_report_emptied_by_a_blacklist_does_not_replace_another(settings: Settings, tmp_path: Path) -> None:
    blacklist = tmp_path / "blacklist"
    blacklist.write_text("de A\nen A\nen B\nen C\n")
    assert_refused(settings.model_copy(update={"blacklist": str(blacklist)}), "domains")


def test_report_with_few_entries_does_not_replace_another(settings: Settings, tmp_path: Path) -> None:
    blacklist = tmp_path / "blacklist"
    blacklist.write_text("en A\nen B\nen C\n")
    assert_refused(settings.model_copy(update={"blacklist": str(blacklist)}), "entries")


def test_shorter_top_may_replace_a_report(settings: Settings) -> None:
    assert run_hour(HOUR, settings.model_copy(update={"top": 1})).state is HourState.MADE


def test_report_of_another_version_is_not_replaced_by_a_smaller_one(settings: Settings) -> None:
    path = Path(settings.output) / top_pages_path(HOUR)
    table = pq.read_table(path)
    facts = json.loads(pq.read_metadata(path).metadata[PROVENANCE_KEY.encode()]) | {"added_later": 1}
    pq.write_table(table.replace_schema_metadata({PROVENANCE_KEY: json.dumps(facts)}), path)
    assert Lake(settings.output).provenance(HOUR) is None
    write_dump(settings, "de A 10 0\n")
    with pytest.raises(InvalidReportError, match="of the report it replaces"):
        run_hour(HOUR, settings)


@pytest.mark.parametrize("path_of", [top_pages_path, domains_path])
@pytest.mark.parametrize("damage", [None, b"PAR1", "the first page"])
def test_remains_of_a_report_are_not_replaced_by_a_smaller_one(
    settings: Settings, path_of: Callable[[Hour], str], damage: bytes | str | None
) -> None:
    path = Path(settings.output) / path_of(HOUR)
    whole = path.read_bytes()
    path.unlink()
    if damage is not None:
        path.write_bytes(damage if isinstance(damage, bytes) else whole[:4] + b"\xff" + whole[5:])
    kept = {path: path.read_bytes() for path in Path(settings.output).rglob("*") if path.is_file()}
    write_dump(settings, "de A 10 0\n")
    with pytest.raises(InvalidReportError, match="of the report it replaces") as caught:
        run_hour(HOUR, settings.model_copy(update={"no_validate": True}))
    assert caught.value.setting == "force"
    assert {path: path.read_bytes() for path in Path(settings.output).rglob("*") if path.is_file()} == kept


@pytest.mark.parametrize(("top", "fine"), [(25, False), (2, True)])
def test_entries_of_the_provenance_are_compared_within_the_same_top(top: int, *, fine: bool) -> None:
    salvage = Salvaged(None, None, replace(PROVENANCE, entries=9, top=25))
    assert (violations_of(make_report(top=top), [not_much_smaller_than(salvage, 0.5)]) == []) is fine


def test_unreadable_report_may_be_replaced(settings: Settings) -> None:
    for path_of in (top_pages_path, domains_path):
        (Path(settings.output) / path_of(HOUR)).write_bytes(b"PAR1")
    write_dump(settings, "de A 10 0\n")
    assert run_hour(HOUR, settings).state is HourState.MADE


def test_report_that_another_run_has_just_written_is_compared(settings: Settings, tmp_path: Path) -> None:
    """Two runs wait for the hour, from a large dump and from a tiny one: whoever is first, the large one stays."""
    large = settings.model_copy(update={"source": str(tmp_path / "large")})
    tiny = settings.model_copy(update={"source": str(tmp_path / "tiny")})
    write_dump(large, "".join(f"en T{number} 10 0\n" for number in range(20)))
    write_dump(tiny, "en A 10 0\nde A 10 0\n")
    lake = Path(settings.output)
    (lake / top_pages_path(HOUR)).unlink()
    (lake / domains_path(HOUR)).unlink()
    with ThreadPoolExecutor() as runs:
        with open_filesystem(settings.output, LAKE, 1).exclusive_lock(top_pages_path(HOUR)):
            ran = [runs.submit(run_hour, HOUR, one) for one in (large, tiny)]
            while len(list(lake.glob(".tmp/*.tmp"))) < 6:
                assert not any(run.done() for run in ran)
                time.sleep(0.01)
        assert ran[0].exception() is None
        assert isinstance(ran[1].exception(), InvalidReportError | None)
    assert Lake(settings.output).read(HOUR).provenance.rows == 20
    with pytest.raises(InvalidReportError):
        run_hour(HOUR, tiny)
