"""`pvtop validate`: reports read back from the lake, broken there by hand, and compared with their source."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest

from pvtop.core.errors import OutputError
from pvtop.core.hour import Hour
from pvtop.lake.lake import Lake
from pvtop.lake.layout import domains_path, text_path
from pvtop.lake.parquet import write_parquet
from pvtop.pipeline.audit import MAX_CONCURRENT_HOURS, AuditOptions, AuditResult, audit
from pvtop.pipeline.hour import run_hour
from pvtop.settings import Settings
from pvtop.transform.report import Report
from support.samples import DATA, Command, WriteDump
from support.server.behaviours import html, status
from support.server.faults import FAULTS
from support.server.files import Behaviour, File, Server

HOUR = Hour.parse("2024-12-31T14")
SAMPLE = {"source": str(DATA / "source"), "blacklist": str(DATA / "blacklist"), "output": "lake"}
LAKE = ("--output", "lake")
SOURCE = ("--source", DATA / "source")
AT = ("--date", "2024-12-31", "--hour", "14")
Change = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a lake with three hours of the sample once. Return its folder, which no test changes."""
    folder = tmp_path_factory.mktemp("made")
    settings = Settings.load(**SAMPLE | {"output": str(folder / "lake"), "cache_dir": str(folder / "cache")})
    for hour in (HOUR, HOUR + 1, HOUR + 3):
        run_hour(hour, settings)
    return folder / "lake"


@pytest.fixture
def lake(made: Path) -> Lake:
    """Return a lake of its own with three hours of the sample."""
    shutil.copytree(made, "lake")
    return Lake("lake")


def change(lake: Lake, hour: Hour, pages: Change | None = None, **facts: Any) -> None:  # noqa: ANN401 - any fact
    """Change a report in the lake, as a fault would."""
    report = lake.read(hour)
    changed = pages(report.top_pages) if pages else report.top_pages
    lake.write(Report(hour, changed, report.domains, replace(report.provenance, **facts)))


def look(hour: Hour = HOUR, checks: AuditOptions | None = None, **settings: object) -> AuditResult:
    (found,) = audit([hour], Settings.load(**{"output": "lake", **settings}), checks or AuditOptions())
    return found


def broken(result: AuditResult) -> list[str]:
    return [violation.rule for violation in result.violations]


# The command.


@pytest.mark.usefixtures("lake")
def test_validate_checks_the_newest_hour_by_default(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("validate", *LAKE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{(HOUR + 3).iso}  valid\n1 hour: 1 valid\n"


@pytest.mark.usefixtures("lake")
def test_validate_checks_the_hours_of_a_range(pvtop_in_process: Command) -> None:
    named = pvtop_in_process("validate", *LAKE, *AT, "--json")
    assert [it["hour"] for it in json.loads(named.stdout)["hours"]] == [HOUR.iso]
    newest = json.loads(pvtop_in_process("validate", *LAKE, "--last", "2", "--json").stdout)
    assert [it["hour"] for it in newest["hours"]] == [(HOUR + 1).iso, (HOUR + 3).iso]
    between = pvtop_in_process("validate", *LAKE, "--start", HOUR.iso, "--end", (HOUR + 3).iso)
    assert between.returncode == 0
    assert between.stdout.splitlines() == [
        "2024-12-31T14  valid", "2024-12-31T15  valid", "1 hour missing: 2024-12-31T16", "2024-12-31T17  valid",
        "4 hours: 1 missing, 3 valid",
    ]  # fmt: skip


@pytest.mark.parametrize("args", [(), ("--last", "2"), AT, ("--start", "2024-12-31"), ("--date", "2024-12-31")])
def test_validate_without_any_report_exits_with_3(pvtop_in_process: Command, args: tuple[str, ...]) -> None:
    done = pvtop_in_process("validate", *LAKE, *args)
    assert (done.returncode, done.stdout) == (3, "")
    assert "the lake lake/ has no report" in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        (*AT, "--last", "2"), (*AT, "--start", "2024-12-31"), ("--hour", "0", "--last", "2"),
        ("--last", "2", "--start", "2024-12-31"), ("--end", "2024-12-31"), ("--last", "0"), ("--domains", "0"),
    ],
)  # fmt: skip
def test_contradicting_options_are_wrong_usage(pvtop_in_process: Command, args: tuple[str, ...]) -> None:
    assert pvtop_in_process("validate", *LAKE, *args).returncode == 2


def test_validate_reports_every_violation_of_every_hour(pvtop_in_process: Command, lake: Lake) -> None:
    change(lake, HOUR, lambda pages: pages.reverse())
    change(lake, HOUR + 1, lambda pages: pages.with_columns(views=-pl.col("views")), top=3)
    done = pvtop_in_process("validate", *LAKE, "--last", "3")
    assert done.returncode == 5
    first, second = done.stdout.split("2024-12-31T15  not valid\n")
    assert first.startswith(
        "2024-12-31T14  not valid\n  breaks the rule: ranks run 1, 2, 3, ... in each domain\n    domain_code  "
    )
    assert "  breaks the rule: pages are sorted by domain, views and title\n" in first
    assert " more; --json has them all\n" in first
    assert second.endswith("2024-12-31T17  valid\n3 hours: 2 not valid, 1 valid\n")
    error, hint = done.stderr.splitlines()
    assert error.startswith("pvtop: the report of 2024-12-31 14:00 UTC breaks a rule: ranks run ")
    assert "; pages are sorted by domain, views and title (found " in error
    assert (
        "; the report of 2024-12-31 15:00 UTC breaks a rule: no rank exceeds the number of pages per domain (found "
        in error
    )
    assert "; no count is negative (found " in error
    assert "--force" in hint
    assert done.stderr in pvtop_in_process("validate", *LAKE, "--last", "3", "--quiet").stderr


def test_json_lists_every_violation(pvtop_in_process: Command, lake: Lake) -> None:
    change(lake, HOUR, lambda pages: pages.with_columns(rank=pl.lit(9, pl.UInt32)))
    done = pvtop_in_process("validate", *LAKE, *AT, "--json")
    data = json.loads(done.stdout)
    assert (done.returncode, data["counts"]) == (5, {"not valid": 1})
    (hour,) = data["hours"]
    assert (hour["result"], hour["violations"][0]["rule"]) == ("not valid", "ranks run 1, 2, 3, ... in each domain")
    assert len(hour["violations"][0]["rows"]) > 100
    assert set(hour["violations"][0]["rows"][0]) == {"domain_code", "rank", "page_title", "views"}


def test_validate_escapes_titles(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    write_dump("en \x1b[31mRed\x1b[0m 5 0\n", HOUR)
    run_hour(HOUR, Settings.load(source="source", blacklist="none", output="lake"))
    change(Lake("lake"), HOUR, lambda pages: pages.with_columns(views=-pl.col("views")))
    change(Lake("lake"), HOUR, lambda pages: pages.with_columns(rank=pl.lit(9, pl.UInt32)))
    done = pvtop_in_process("validate", *LAKE)
    assert r"\x1b[31mRed" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


# What is read back.


def test_audit_reads_a_lake_on_any_file_system(lake: Lake, tmp_path: Path) -> None:
    memory, root = fsspec.filesystem("memory"), f"/{tmp_path.name}"
    memory.put(str(tmp_path / "lake"), root, recursive=True)
    change(Lake(f"memory:/{root}"), HOUR, entries=1)
    assert broken(look(output=f"memory:/{root}")) == ["the provenance matches the frames"]
    memory.rm(root, recursive=True)
    assert lake.last(9) == [HOUR, HOUR + 1, HOUR + 3]


def foreign() -> bytes:
    file = io.BytesIO()
    pl.DataFrame({"a": [1]}).write_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize("content", [b"junk", foreign()], ids=["junk", "foreign"])
@pytest.mark.parametrize("name", ["top_pages", "domains"])
def test_unreadable_file_is_a_violation_of_its_hour_only(
    lake: Lake, pvtop_in_process: Command, name: str, content: bytes
) -> None:
    path = Path("lake", name, HOUR.partition, f"{name}.parquet")
    path.write_bytes(content)
    found = audit([HOUR, HOUR + 1], Settings.load(output="lake"), AuditOptions())
    assert [broken(validity) for validity in found] == [["the files of the report can be read"], []]
    shown = pvtop_in_process("show", *LAKE, *AT)
    assert (shown.returncode, len(shown.stderr.splitlines())) == (1, 2)
    assert f"cannot read {path}: " in shown.stderr
    assert lake.read(HOUR + 1).hour == HOUR + 1


def test_report_under_the_path_of_another_hour_is_invalid(lake: Lake) -> None:
    shutil.copytree(f"lake/top_pages/{HOUR.partition}", f"lake/top_pages/{(HOUR + 5).partition}")
    shutil.copytree(f"lake/domains/{HOUR.partition}", f"lake/domains/{(HOUR + 5).partition}")
    (violation,) = look(HOUR + 5).violations
    assert violation.rule == "the files of the report can be read"
    assert f"it is the report of {HOUR.iso}:00:00Z" in violation.rows.item()
    with pytest.raises(OutputError, match=f"it is the report of {HOUR.iso}:00:00Z"):
        lake.read(HOUR + 5)


@pytest.mark.parametrize(
    "facts", [{"unknown_views": None}, {"top": "25"}, {"keep_unknown": 0}, {"dump_etag": 1}, {"version": None}]
)
def test_provenance_with_values_of_other_types_is_unreadable(lake: Lake, facts: dict[str, Any]) -> None:
    change(lake, HOUR, **facts)
    found = look()
    assert broken(found) == ["the files of the report can be read"]
    assert "was made by another version of pvtop" in str(found.violations[0])


@pytest.mark.parametrize("source", ["http://[", "https://dumps.wikimedia.org:x/"])
def test_report_with_an_invalid_source_address_is_read(lake: Lake, source: str) -> None:
    change(lake, HOUR, source=source)
    assert "the files of the report can be read" not in broken(look())


@pytest.mark.parametrize("facts", [None, {"views": 1}, {"dump_sha256": "f" * 64}], ids=["none", "views", "dump"])
def test_domains_file_of_another_report_is_a_violation(lake: Lake, facts: dict[str, Any] | None) -> None:
    report = lake.read(HOUR)
    path = Path("lake", domains_path(HOUR))
    if facts is None:
        report.domains.write_parquet(path)
    else:
        path.write_bytes(write_parquet(report.domains, replace(report.provenance, **facts)))
    (violation,) = look().violations
    assert violation.rule == "the domain totals have the provenance of the ranked pages"
    assert facts is None or violation.rows.get_column("fact").to_list() == list(facts)


def test_text_report_that_differs_is_a_violation(lake: Lake, pvtop_in_process: Command) -> None:
    text = Path("lake", text_path(HOUR))
    told = text.read_text()
    text.write_text(told.replace("entries", "lies", 1))
    done = pvtop_in_process("validate", *LAKE, *AT)
    assert done.returncode == 5
    assert "  breaks the rule: the text report matches the frames\n    line  report  " in done.stdout
    text.write_text(told + "more\n")
    assert broken(look()) == ["the text report matches the frames"]
    text.unlink()
    assert broken(look()) == ["the text report matches the frames"]
    change(lake, HOUR, version="0.0.1")
    text.write_text("in other words\n")
    assert look().violations == []


@pytest.mark.usefixtures("lake")
def test_expect_whole_checks_for_a_whole_dump(pvtop_in_process: Command, lake: Lake) -> None:
    assert pvtop_in_process("validate", *LAKE, *AT, "--expect-whole").returncode == 5
    assert len(look(expect_whole=True).violations) == 2
    change(lake, HOUR, source="https://dumps.wikimedia.org/other/pageviews/x.gz")
    assert len(look().violations) == 2
    assert look(expect_whole=False).violations == []


# The blacklist.


def add(pages: pl.DataFrame) -> pl.DataFrame:
    """Replace the first page of `en` with a page of the blacklist."""
    first = (pl.col("domain_code") == "en") & (pl.col("rank") == 1)
    return pages.with_columns(page_title=pl.when(first).then(pl.lit("Special:Search")).otherwise("page_title"))


def test_audit_uses_the_blacklist_of_the_report(lake: Lake) -> None:
    change(lake, HOUR, add)
    found = look()
    assert (broken(found), found.notes) == (["no page is on the blacklist"], [])


def test_audit_with_another_blacklist_adds_a_note(lake: Lake, pvtop_in_process: Command) -> None:
    change(lake, HOUR, add)
    Path("other").write_text("en Main_Page\n")
    found = look(blacklist="other")
    assert found.violations == []
    at_hand = f"the blacklist {Path('other').absolute()} is not the one that the report was made with"
    assert found.notes == [f"not checked against its blacklist: {at_hand}"]
    shown = pvtop_in_process("validate", *LAKE, *AT, "--blacklist", "other")
    assert shown.returncode == 0
    assert f"\n  {found.notes[0]}\n" in shown.stdout
    assert json.loads(pvtop_in_process("validate", *LAKE, *AT, "--blacklist", "none", "--json").stdout)["hours"][0][
        "notes"
    ]


def test_moved_blacklist_can_be_given_as_a_setting(lake: Lake) -> None:
    change(lake, HOUR, add, blacklist="/nowhere/blacklist")
    assert [note for note in look().notes if note.startswith("not checked against its blacklist: cannot read ")]
    assert broken(look(blacklist=str(DATA / "blacklist"))) == ["no page is on the blacklist"]


def test_unreadable_blacklist_address_adds_a_note(lake: Lake) -> None:
    change(lake, HOUR, blacklist="file://host/x")
    assert [note for note in look().notes if note.startswith("not checked against its blacklist: ")]


def test_report_without_a_blacklist_is_checked_against_none(write_dump: WriteDump) -> None:
    write_dump("en A 5 0\n", HOUR)
    run_hour(HOUR, Settings.load(source="source", blacklist="none", output="lake"))
    Path("other").write_text("en A\n")
    found = look(blacklist="other")
    assert (found.violations, found.notes) == ([], [])


# Against the source.


@pytest.mark.usefixtures("lake")
def test_matching_projectviews_are_valid(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("validate", *LAKE, *SOURCE, *AT, "--totals")
    assert (done.returncode, done.stdout) == (0, "2024-12-31T14  valid\n1 hour: 1 valid\n")


@pytest.mark.usefixtures("lake")
def test_differing_projectviews_are_shown_as_a_table(pvtop_in_process: Command) -> None:
    theirs = Path("source", HOUR.month_folder, "projectviews-20241231-140000")
    theirs.parent.mkdir(parents=True)
    lines = (DATA / theirs).read_text().splitlines()
    wrong = {"de": "de - 1 0", '""': '"" - 1234567 0'}
    theirs.write_text("\n".join(wrong.get(line.split(" ")[0], line) for line in lines) + "\nnew - 8 0\n")
    done = pvtop_in_process("validate", *LAKE, "--source", "source", *AT, "--totals")
    assert done.returncode == 5
    table = [line.split() for line in done.stdout.splitlines()[2:6]]
    assert table[0] == ["domain_code", "report", "projectviews"]
    assert [(code, count) for code, _, count in table[1:]] == [('""', "1,234,567"), ("de", "1"), ("new", "8")]
    assert table[3][1] == "none"


def test_note_names_malformed_lines_as_a_cause_of_different_totals(write_dump: WriteDump) -> None:
    path = write_dump("".join(f"en T{number} 1 0\n" for number in range(200)) + "en Broken\n 7 0\n", HOUR)
    path.with_name("projectviews-20241231-140000").write_text("en - 207 0\n")
    run_hour(HOUR, Settings.load(source="source", blacklist="none", output="lake"))
    found = look(checks=AuditOptions(totals=True), source="source")
    assert broken(found) == ["the views of each domain match the projectviews"]
    assert found.notes == ["2 malformed lines were skipped; projectviews may count them"]


@pytest.mark.usefixtures("lake")
def test_seed_repeats_the_choice_of_recounted_domains(pvtop_in_process: Command) -> None:
    args = ("validate", *LAKE, *SOURCE, "--last", "2", "--against-dump")
    done = pvtop_in_process(*args, "--json")
    data = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    codes = [hour["recounted"] for hour in data["hours"]]
    assert [len(set(it)) for it in codes] == [5, 5]
    assert codes[0] != codes[1]
    again = json.loads(pvtop_in_process(*args, "--seed", data["seed"], "--json").stdout)
    assert (again["seed"], [hour["recounted"] for hour in again["hours"]]) == (data["seed"], codes)
    text = pvtop_in_process(*args, "--seed", "7", "--domains", "99").stdout.splitlines()
    assert text[1].startswith('  recounted: "", ar, ar.m, ')
    assert text[1].endswith(", zh.m (--seed 7)")


def test_recount_matches_every_hour_of_the_sample() -> None:
    hours = [HOUR, Hour.parse("2016-02-29T00"), Hour.parse("2025-01-01T01")]
    for hour in hours:
        run_hour(hour, Settings.load(**SAMPLE, top=3, keep_unknown=hour == HOUR))
    settings = Settings.load(output="lake", source=SAMPLE["source"])
    found = audit(hours, settings, AuditOptions(totals=True, recount=100))
    assert [validity.violations for validity in found] == [[], [], []]
    assert all(len(validity.recounted) >= 59 for validity in found)


def test_recount_finds_a_changed_title(lake: Lake, pvtop_in_process: Command) -> None:
    change(lake, HOUR, lambda pages: pages.with_columns(page_title=pl.col("page_title") + "_"))
    done = pvtop_in_process("validate", *LAKE, *SOURCE, *AT, "--against-dump", "--domains", "100")
    assert done.returncode == 5
    assert "the domains match a recount of the dump\n    domain_code  what    report  " in done.stdout


def test_recount_finds_a_lost_domain(lake: Lake) -> None:
    report = lake.read(HOUR)
    lost = pl.col("domain_code") != "en"
    pages, domains = report.top_pages.filter(lost), report.domains.filter(lost)
    facts = {
        "rows": sum(domains["pages"]),
        "views": sum(domains["views"]),
        "blacklisted_rows": sum(domains["blacklisted_pages"]),
        "blacklisted_views": sum(domains["blacklisted_views"]),
        "domains": pages["domain_code"].n_unique(),
        "entries": len(pages),
        "entry_views": sum(pages["views"]),
    }
    lake.write(Report(HOUR, pages, domains, replace(report.provenance, **facts)))  # type: ignore[arg-type]
    assert look().violations == []
    (violation,) = look(checks=AuditOptions(recount=1), source=SAMPLE["source"]).violations
    assert violation.rule == "the domains match a recount of the dump"
    assert violation.rows.rows() == [("en", "domain", None, "present")]


# What a report cannot be compared with.

PROJECTVIEWS = f"{HOUR.month_folder}/projectviews-20241231-140000"


def uncompared(pvtop_in_process: Command, *args: object) -> tuple[int, str]:
    """Validate an hour that is good, but cannot be compared; give the exit code and the error."""
    done = pvtop_in_process("validate", *LAKE, *AT, *args)
    assert done.stdout.startswith("2024-12-31T14  could not be compared\n  not compared: ")
    assert done.stdout.endswith("1 hour: 1 could not be compared\n")
    assert "recounted" not in done.stdout
    assert "is not valid" not in done.stderr
    told = done.stderr.splitlines()[-2:]  # before it, the log
    message, hint = told[0].removeprefix("pvtop: "), told[1].strip()
    assert f"  not compared: {message}\n    {hint}\n" in done.stdout
    data = json.loads(pvtop_in_process("validate", *LAKE, *AT, *args, "--json").stdout)
    assert data["counts"] == {"could not be compared": 1}
    (hour,) = data["hours"]
    assert (hour["result"], hour["violations"], hour["recounted"]) == ("could not be compared", [], [])
    assert hour["uncompared"] == [{"error": message, "hint": hint, "exit_code": done.returncode}]
    return done.returncode, message


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (status(403), "is denied (403)"),
        (status(404), "does not exist (404)"),
        (html, "is not a projectviews file"),
        (FAULTS["redirect in a loop"], "redirects in a loop"),
        (FAULTS["endless"], "is too long for a listing"),
        (FAULTS["503"], "is unavailable (503)"),
    ],
    ids=["403", "404", "web page", "redirects", "endless", "503"],
)
def test_hour_without_readable_projectviews_is_not_compared(
    pvtop_in_process: Command, server: Server, fault: Behaviour, message: str
) -> None:
    server.always[f"/{PROJECTVIEWS}"] = fault
    code, told = uncompared(pvtop_in_process, "--source", server.url, "--totals")
    assert code == 1
    assert message in told


@pytest.mark.usefixtures("lake")
def test_projectviews_with_an_unreadable_line_are_not_compared(pvtop_in_process: Command) -> None:
    theirs = Path("source", PROJECTVIEWS)
    theirs.parent.mkdir(parents=True)
    theirs.write_text((DATA / "source" / PROJECTVIEWS).read_text() + "en - 99999999999999999999 0\n")
    code, told = uncompared(pvtop_in_process, "--source", "source", "--totals")
    assert (code, "is not like 'en.m - 5000 0'" in told) == (1, True)


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("check", ["--totals", "--against-dump"])
@pytest.mark.parametrize("source", ["nowhere", "http://127.0.0.1:9"])  # the port of a service that nobody runs
def test_hour_is_not_compared_with_a_missing_source(pvtop_in_process: Command, source: str, check: str) -> None:
    code, told = uncompared(pvtop_in_process, "--source", source, check)
    assert code == 1
    assert "does not exist" in told or "connection failed" in told


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("check", ["--totals", "--against-dump"])
def test_exit_code_is_1_if_the_source_lacks_what_to_compare_with(
    pvtop_in_process: Command, server: Server, check: str
) -> None:
    """Exit code 3 is for hours that are not in the lake."""
    Path("empty").mkdir()
    for source in ("empty", server.url):
        code, told = uncompared(pvtop_in_process, "--source", source, check)
        assert code == 1
        assert "the dump of 2024-12-31 14:00 UTC is not published at " in told or "does not exist" in told


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("cached", [False, True])
def test_changed_dump_is_not_recounted(
    pvtop_in_process: Command, server: Server, write_dump: WriteDump, *, cached: bool
) -> None:
    content = write_dump("en A 5 0\n", HOUR).read_bytes()
    server.files[f"/{HOUR.dump_path}"] = File(content)
    if cached:
        run_hour(HOUR, Settings.load(source=server.url, blacklist="none", output="another"))
    for source in ("source", server.url):
        code, told = uncompared(pvtop_in_process, "--source", source, "--against-dump")
        assert code == 1
        assert told.startswith("the dump of 2024-12-31 14:00 UTC at ")
        assert told.endswith(" is not the one that its report was made from")


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("blacklist", ["none", "nowhere"])
def test_recount_needs_the_blacklist_of_the_report(pvtop_in_process: Command, blacklist: str) -> None:
    code, told = uncompared(pvtop_in_process, *SOURCE, "--against-dump", "--blacklist", blacklist)
    assert (code, "the blacklist" in told) == (1, True)


def test_exit_code_of_an_invalid_report_wins_over_a_missing_comparison(pvtop_in_process: Command, lake: Lake) -> None:
    change(lake, HOUR, lambda pages: pages.with_columns(views=-pl.col("views")))
    done = pvtop_in_process("validate", *LAKE, "--last", "3", "--source", "nowhere", "--totals")
    assert done.returncode == 5
    assert "2024-12-31T14  not valid\n" in done.stdout
    assert done.stdout.endswith("3 hours: 2 could not be compared, 1 not valid\n")


@pytest.mark.usefixtures("lake")
def test_failing_source_is_asked_only_by_hours_in_progress(server: Server) -> None:
    hours = [HOUR + away for away in range(8)]
    for hour in hours:
        run_hour(hour, Settings.load(**SAMPLE))
        server.always[f"/{hour.dump_path}"] = FAULTS["503"]
    settings = Settings.load(source=server.url, output="lake", attempts=1)
    found = audit(hours, settings, AuditOptions(recount=1))
    assert all("is unavailable" in str(validity.uncompared[0]) for validity in found)
    assert 1 <= len(server.requests) <= MAX_CONCURRENT_HOURS


def test_recount_downloads_a_dump_once(server: Server) -> None:
    server.files[f"/{HOUR.dump_path}"] = File((DATA / "source" / HOUR.dump_path).read_bytes())
    online = {"source": server.url, "blacklist": "none", "output": "lake"}
    run_hour(HOUR, Settings.load(**online))
    shutil.rmtree(Settings.load().cache_dir)
    for _ in range(2):
        assert look(checks=AuditOptions(recount=60), source=server.url).violations == []
    assert len(server.asked(f"/{HOUR.dump_path}")) == 2


@pytest.mark.parametrize("place", [-9, 40])
def test_damaged_cached_dump_is_downloaded_again_for_a_recount(server: Server, place: int) -> None:
    server.files[f"/{HOUR.dump_path}"] = File((DATA / "source" / HOUR.dump_path).read_bytes())
    run_hour(HOUR, Settings.load(source=server.url, blacklist="none", output="lake"))
    cached = Settings.load().cache_dir / HOUR.dump_path
    broken_one = bytearray(cached.read_bytes())
    broken_one[place] ^= 1
    cached.write_bytes(broken_one)
    found = look(checks=AuditOptions(recount=60), source=server.url)
    assert (found.violations, found.uncompared, len(found.recounted)) == ([], [], 59)
    assert cached.read_bytes() == server.files[f"/{HOUR.dump_path}"].content
