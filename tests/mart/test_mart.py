"""One suite for all databases: what is loaded equals the lake, whatever happens."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy.schema import DropTable

from pvtop.core.errors import MartError, NotInLakeError
from pvtop.core.hour import Hour, hour_range
from pvtop.core.period import Period
from pvtop.lake.lake import Lake
from pvtop.mart.duckdb_file import _engine
from pvtop.mart.ids import name_id
from pvtop.mart.load import LoadState
from pvtop.mart.mart import Mart
from pvtop.mart.parts import HourPart
from pvtop.mart.product import Product
from pvtop.pipeline.batch import run_hours
from pvtop.pipeline.rollup import run_rollup
from pvtop.settings import Settings
from pvtop.transform.report import Report
from pvtop.transform.rollup import Rollup, RollupProvenance
from support.databases import DatabaseServer
from support.marts import (
    FIRST,
    HOSTILE,
    assert_equal,
    assert_whole,
    column,
    hostile_report,
    in_mart,
    small_report,
    write_lake,
)
from support.reports import make_report
from support.samples import DATA, DAY, ROOT, SOURCE
from support.server.loopback import self_signed_certificate

CALLS = 4_000  # of Python functions: about as many as the load of an hour takes
LOAD = "import sys; from pvtop import Mart; print(Mart(sys.argv[1]).load(sys.argv[2], sys.argv[3:] or None))"


def loader(address: str, lake: Path, *hours: Hour) -> subprocess.Popen[str]:
    """Start a process that loads hours, or whatever the mart lacks."""
    command = [sys.executable, "-c", LOAD, address, str(lake), *(hour.iso for hour in hours)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_hostile_titles_come_back_as_they_are(mart: Mart, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lake, is_postgresql = Lake(str(tmp_path / "lake")), str(mart.address).startswith("postgresql")
    for hour in (FIRST, FIRST + 1):
        lake.write(hostile_report(hour))
    with caplog.at_level(logging.WARNING):
        assert mart.load(lake).counts == {LoadState.LOADED: 2, LoadState.UNCHANGED: 0}
    assert [record.getMessage() for record in caplog.records] == (
        ["the mart cannot store U+0000 in a title or a domain code: it becomes U+FFFD there"] if is_postgresql else []
    )
    expected = lake.read(FIRST).top_pages.rows()
    if is_postgresql:
        expected = [
            (code.replace("\0", "\ufffd"), rank, title.replace("\0", "\ufffd"), views)
            for code, rank, title, views in expected
        ]
    assert in_mart(mart)[FIRST] == sorted(expected, key=lambda row: (row[0].encode(), row[1]))
    ids = dict(mart.query("SELECT page_name, page_dim_id FROM page_dim").iter_rows())
    assert {title: ids[title] for title in HOSTILE if title != "\ufffd"} == {
        title: name_id(title) for title in HOSTILE if title != "\ufffd"
    }


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Return a lake with hours of the sample of two years, and the rollup of a day."""
    folder = tmp_path_factory.mktemp("sample")
    places = {"output": str(folder / "lake"), "cache_dir": str(folder / "cache")}
    settings = Settings.load(source=str(SOURCE), blacklist=str(DATA / "blacklist"), **places)
    hours = [Hour.parse("2016-02-29T01"), Hour.parse("2016-02-29T02"), *DAY[:4]]
    assert run_hours(hours, settings).counts == {"made": len(hours)}
    run_rollup("2024-12-31", settings, merge_access=True)
    return Lake(places["output"])


def test_hours_and_rollup_of_the_sample_come_back_as_they_are(mart: Mart, sample: Lake) -> None:
    mart.load(sample)
    assert_equal(mart, sample, sorted(sample.hours()))
    rollup = sample.rollup(Period.of_day("2024-12-31"), merged=True)
    assert rollup
    found = mart.query("SELECT domain_name, num_views_rank, page_name, num_views, mobile_views FROM rollup_top_pages")
    expected = rollup.top_pages.select("domain_code", "rank", "page_title", "views", "mobile_views")
    assert sorted(found.iter_rows()) == sorted(expected.iter_rows())


def test_names_compare_by_bytes(mart: Mart, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    lake.write(hostile_report())
    mart.load(lake)
    for title in ("abc", "Äbc", "abc ", "'; DROP TABLE page_dim; --"):
        quoted = title.replace("'", "''")
        found = mart.query(f"SELECT page_name FROM page_dim WHERE page_name = '{quoted}'")
        assert column(found, "page_name") == [title]


def test_view_has_the_meaning_of_domains_and_the_start_of_hours(mart: Mart, tmp_path: Path) -> None:
    mart.load(write_lake(tmp_path / "lake", [FIRST]))
    found = mart.query(
        "SELECT DISTINCT hour_start, project, language, access, host FROM top_pages WHERE domain_name = 'en.m'"
    )
    start = FIRST.start.replace(tzinfo=None)
    assert found.rows() == [(start, "wikipedia", "en", "mobile", "en.m.wikipedia.org")]


def test_load_takes_what_the_mart_lacks_or_has_from_another_report(mart: Mart, tmp_path: Path) -> None:
    hours = hour_range(FIRST, FIRST + 7)  # from July to August: two partitions on PostgreSQL
    lake = write_lake(tmp_path / "lake", hours[:6])
    assert mart.load(lake).counts[LoadState.LOADED] == 6
    again = mart.load(lake)
    assert (again.counts, again.rows) == ({LoadState.UNCHANGED: 6}, 0)
    for hour in hours[6:]:
        lake.write(small_report(hour))
    lake.write(small_report(hours[2], pages=5, seed=1))  # smaller: what went must go
    assert mart.load(lake).counts == {LoadState.UNCHANGED: 5, LoadState.LOADED: 3}
    assert_equal(mart, lake, hours)


def test_named_hour_is_replaced_and_keeps_its_create_time(mart: Mart, tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", [FIRST])
    mart.load(lake)
    times = "SELECT DISTINCT create_time FROM pageview_fact"
    before = mart.query(times)
    result = mart.load(lake, [FIRST, FIRST + 1])
    assert (result.counts[LoadState.LOADED], [one.part.label for one in result.missing]) == (1, [(FIRST + 1).iso])
    assert mart.query(times).equals(before)
    assert_equal(mart, lake, [FIRST])


WAITING = {
    Product.POSTGRESQL: "SELECT count(*) FROM pg_locks WHERE NOT granted",
    Product.MARIADB: "SELECT count(*) FROM information_schema.global_status "
    "WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS' AND variable_value > 0",
}


@pytest.mark.parametrize("address", ["postgresql", "mariadb"], indirect=True)
def test_create_time_is_that_of_the_first_loader(address: str, mart: Mart, tmp_path: Path) -> None:
    lake, earlier = write_lake(tmp_path / "lake", [FIRST]), FIRST.stamp.replace(tzinfo=None)
    mart.init()
    row = {"provenance": "", "num_rows": 0, "create_time": earlier, "loaded_at": earlier}
    with mart._database.session() as first, ThreadPoolExecutor(1) as threads:  # noqa: SLF001 - both found no row
        with first.transaction():
            first.upsert(first.tables.report_load, {**HourPart(FIRST).key, **row})
            second = threads.submit(Mart(address).load, lake)
            while first.run(WAITING[first.product]) == [(0,)]:
                assert not second.done()
        assert second.result().counts[LoadState.LOADED] == 1
    for table in ("report_load", "pageview_fact"):
        assert column(mart.query(f"SELECT DISTINCT create_time FROM {table}"), "create_time") == [earlier]


def test_no_mart_is_made_if_there_is_nothing_to_load(mart: Mart, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    with pytest.raises(NotInLakeError):
        mart.load(lake)
    assert [one.part.label for one in mart.load(lake, [FIRST], [FIRST.stamp.strftime("%Y-%m")]).missing] == [
        FIRST.iso,
        "rollup of 2024-07",
    ]
    assert [one.part.label for one in mart.load(lake, FIRST.iso).missing] == [FIRST.iso]
    assert mart.load(lake, []).counts.total() == 0
    with pytest.raises(MartError, match="there is no mart"):
        mart.loaded()
    assert not (tmp_path / "mart.duckdb").exists()


@pytest.mark.parametrize("merged", [False, True])
def test_rollup_has_tables_of_its_own(mart: Mart, tmp_path: Path, merged: bool) -> None:
    lake, period = Lake(str(tmp_path / "lake")), Period.of_day("2024-07-30")
    lake.write_rollup(rollup_of(period, merged=merged))
    assert mart.load(lake).counts[LoadState.LOADED] == 1
    assert mart.load(lake).counts == {LoadState.UNCHANGED: 1}
    assert mart.load(lake, rollups=[period], merge_access=merged).counts[LoadState.LOADED] == 1
    found = mart.query(
        "SELECT first_datehour, last_datehour, is_merged, page_name, num_views, mobile_views "
        "FROM rollup_top_pages ORDER BY num_views_rank LIMIT 1"
    ).row(0)
    first, last = (hour.stamp.replace(tzinfo=None) for hour in (period.first, period.last))
    assert found == (first, last, merged, "Main_Page", 9, 3 if merged else None)
    assert (mart.info().rollups, mart.info().hours, mart.info().rows) == (1, 0, 2)


def rollup_of(period: Period, *, merged: bool) -> Rollup:
    """Return a rollup of two pages."""
    report = small_report(FIRST)
    pages = report.top_pages.clear(2).with_columns(
        domain_code=report.top_pages["domain_code"].head(2),
        rank=report.top_pages["rank"].head(2),
        page_title=report.top_pages["page_title"].head(2).clear().extend_constant("Main_Page", 2),
        views=report.top_pages["views"].head(2).clear().extend_constant(9, 2),
    )
    domains = report.domains
    if merged:
        pages = pages.with_columns(mobile_views=pages["views"] // 3)
        domains = domains.with_columns(mobile_views=domains["views"])
    provenance = RollupProvenance(
        first=period.first.iso, last=period.last.iso, merged=merged, ambiguous=(), top=25, keep_unknown=False,
        blacklist_sha256=None, rules=1, dumps={hour.iso: "aa" * 32 for hour in period.hours},
    )  # fmt: skip
    return Rollup(period, pages, domains, provenance)


def add_page(mart: Mart, title: str, other: str) -> None:
    """Add a page that has the id of another title, as no two titles have."""
    with mart._database.session() as session, session.transaction():  # noqa: SLF001 - the mart itself cannot do that
        table = session.tables.page_dim
        session.run(table.delete().where(table.c.page_dim_id == name_id(title)))
        now = FIRST.stamp.replace(tzinfo=None)
        row = {"page_dim_id": name_id(title), "page_name": other, "create_time": now, "update_time": now}
        session.run(table.insert().values(row))


def test_collision_is_refused_and_names_both(mart: Mart, tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", [FIRST, FIRST + 1])
    mart.load(lake, [FIRST])
    page = column(lake.read(FIRST + 1).top_pages, "page_title")[0]
    add_page(mart, str(page), "Other")
    (failure,) = mart.load(lake, [FIRST + 1]).failures
    assert isinstance(failure.error, MartError)
    assert str(failure.error).startswith(f"'{page}' and 'Other' have the same id")
    assert column(mart.loaded(), "hour") == [FIRST.stamp]


def test_pages_of_an_hour_that_failed_are_not_taken_for_known(mart: Mart, tmp_path: Path) -> None:
    lake, hours = Lake(str(tmp_path / "lake")), hour_range(FIRST, FIRST + 2)
    for hour, titles in zip(hours, (["a"], ["b", "wrong"], ["b"]), strict=True):
        lake.write(make_report([("en", rank, title, 9) for rank, title in enumerate(titles, start=1)], hour=hour))
    mart.load(lake, [FIRST])
    add_page(mart, "wrong", "Other")
    assert mart.load(lake, hours).counts == {LoadState.LOADED: 2, LoadState.FAILED: 1}
    assert_equal(mart, lake, [hours[0], hours[2]])


class WrongPart(HourPart):
    """An hour that cannot be loaded into any database."""

    def fact_columns(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Raise an error that is not a PvtopError."""
        raise ValueError(f"{len(rows)} rows")


class UnreadablePart(HourPart):
    """An hour that cannot be read."""

    def read(self, lake: Lake) -> Report:
        """Raise an error that is not a PvtopError."""
        raise RuntimeError(f"no report in {lake.path('')}")


def test_bug_in_one_hour_does_not_stop_the_others(mart: Mart, tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", hour_range(FIRST, FIRST + 2))
    parts = [WrongPart(FIRST), UnreadablePart(FIRST + 1), HourPart(FIRST + 2)]
    with mart.loader(lake) as loader:
        wrong, unreadable, loaded = loader.load_all(parts)
    assert "internal error: ValueError: 120 rows" in str(wrong.error)
    assert "internal error: RuntimeError: no report" in str(unreadable.error)
    assert [one.state for one in (wrong, unreadable, loaded)] == ["failed", "failed", "loaded"]
    assert_equal(mart, lake, [FIRST + 2])


def test_names_that_are_stored_alike_keep_their_own_ids(mart: Mart, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    for hour, name in ((FIRST, "a\0"), (FIRST + 1, "a\ufffd")):
        lake.write(make_report([(name, 1, name, 9)], hour=hour))
    mart.load(lake)
    found = mart.query("SELECT domain_dim_id, page_dim_id FROM pageview_fact ORDER BY datehour")
    assert found.rows() == [(name_id("a\0"),) * 2, (name_id("a\ufffd"),) * 2]


def test_loaders_at_the_same_time_end_as_one(address: str, tmp_path: Path) -> None:
    hours = hour_range(FIRST, FIRST + 7)
    lake, mart = write_lake(tmp_path / "lake", hours), Mart(address)
    ranges = [hours[:6], hours[1:7][::-1], hours[3:], hours[::-1]]
    with ThreadPoolExecutor(len(ranges)) as threads:
        for result in threads.map(partial(mart.load, lake), ranges):
            assert (result.counts[LoadState.FAILED], result.missing) == (0, [])
    assert_equal(mart, lake, hours)


@pytest.mark.parametrize("address", ["duckdb"], indirect=True)
def test_processes_wait_for_each_other(address: str, tmp_path: Path) -> None:
    check_processes(address, tmp_path, hour_range(FIRST, FIRST + 2), processes=2)


@pytest.mark.long
def test_many_processes_end_as_one(address: str, tmp_path: Path) -> None:
    check_processes(address, tmp_path, hour_range(FIRST, FIRST + 23), processes=4)


def check_processes(address: str, folder: Path, hours: list[Hour], processes: int) -> None:
    """Check that processes which load the same hours, half of them backwards, end as one."""
    lake = write_lake(folder / "lake", hours)
    for process in [loader(address, folder / "lake", *hours[:: 1 - number % 2 * 2]) for number in range(processes)]:
        printed, _ = process.communicate()
        assert (process.returncode, "failed" in printed) == (0, False), printed
    assert_equal(Mart(address), lake, hours)


@pytest.mark.parametrize(
    ("kills", "hours"), [(2, 6), pytest.param(20, 48, marks=pytest.mark.long)], ids=["some", "many"]
)
def test_killed_loader_leaves_the_old_hour_or_the_new_one(address: str, tmp_path: Path, kills: int, hours: int) -> None:
    chance, span = random.Random(kills), hour_range(FIRST, FIRST + (hours - 1))
    lake, mart = Lake(str(tmp_path / "lake")), Mart(address)
    mart.init()
    for seed in range(kills):
        for hour in span:
            lake.write(small_report(hour, seed=seed))
        kill_while_loading(address, tmp_path / "lake", chance.randint(1, hours - 3), chance.randint(1, CALLS))
        assert_whole(mart, range(seed + 1))
    mart.load(lake)
    assert_equal(mart, lake, span)


def kill_while_loading(address: str, lake: Path, hour: int, call: int) -> None:
    """Load what the mart lacks in a process that is killed while it loads the n-th hour."""
    command = [sys.executable, "-m", "support.killed_load", address, str(lake), str(hour), str(call)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *sys.path])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


@pytest.mark.parametrize(("version", "hint"), [(99, "upgrade pvtop"), (0, "load the lake into a new mart")])
def test_mart_of_another_version_is_refused(mart: Mart, tmp_path: Path, version: int, hint: str) -> None:
    mart.init()
    with mart._database.session() as session, session.transaction():  # noqa: SLF001 - as another pvtop does
        session.run(f"UPDATE mart_schema SET version = {version}")
    lake = write_lake(tmp_path / "lake", [FIRST])
    for use in (mart.init, mart.info, partial(mart.load, lake), partial(mart.query, "SELECT 1")):
        with pytest.raises(MartError, match=f"has tables of version {version}, but this pvtop knows") as error:
            use()
        assert error.value.hint.startswith(hint)


def test_tables_of_others_are_left_alone(mart: Mart) -> None:
    with mart._database.session() as session, session.transaction():  # noqa: SLF001 - as another program does
        session.run("CREATE TABLE page_dim (id integer)")
    with pytest.raises(MartError, match="has a table page_dim that pvtop did not make"):
        mart.init()


def test_schema_that_was_interrupted_is_completed(mart: Mart, tmp_path: Path) -> None:
    assert mart.init()
    with mart._database.session() as session, session.transaction():  # noqa: SLF001 - as a killed run leaves it
        for name in ("VIEW top_pages", "VIEW rollup_top_pages", "TABLE rollup_fact"):
            session.run(f"DROP {name}")
        session.run("DELETE FROM mart_schema")
    lake = write_lake(tmp_path / "lake", [FIRST])
    mart.load(lake)
    assert_equal(mart, lake, [FIRST])
    assert not mart.init()


def test_mart_that_took_the_place_of_another_gets_all_names(mart: Mart, tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", [FIRST, FIRST + 1])
    with mart.loader(lake) as loader:
        loader.load(HourPart(FIRST))
        with mart._database.session() as session, session.transaction():  # noqa: SLF001 - as another program does
            for name in ("top_pages", "rollup_top_pages"):
                session.run(f"DROP VIEW {name}")
            for table in session.tables.metadata.sorted_tables:
                session.run(DropTable(table))
        mart.init()
        loader.load(HourPart(FIRST + 1))
    assert_equal(mart, lake, [FIRST + 1])


def test_ids_of_facts_follow_the_report(mart: Mart, tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", [FIRST])
    mart.load(lake)
    found = mart.query(
        "SELECT domain_name, num_views_rank FROM top_pages JOIN pageview_fact "
        "USING (datehour, domain_dim_id, num_views_rank) ORDER BY pageview_fact_id"
    )
    assert found.rows() == lake.read(FIRST).top_pages.select("domain_code", "rank").rows()


def test_duckdb_that_cannot_close_the_file_is_started_anew(tmp_path: Path) -> None:
    lake, mart = write_lake(tmp_path / "lake", [FIRST]), Mart(str(tmp_path / "mart.duckdb"))
    mart.load(lake)
    with mart._database.session() as session:  # noqa: SLF001 - what a fatal error leaves: nothing to detach
        session.run("USE memory; DETACH mart")
        engine = _engine(os.getpid())
    assert_equal(mart, lake, [FIRST])
    assert _engine(os.getpid()) is not engine


def test_query_cannot_change_the_mart(mart: Mart, tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", [FIRST])
    mart.load(lake)
    with pytest.raises(MartError) as refused:
        mart.query("DELETE FROM pageview_fact")
    assert refused.value.hint.startswith("a query cannot change the mart")
    assert_equal(mart, lake, [FIRST])


def test_whole_numbers_of_a_query_are_int64(mart: Mart, tmp_path: Path) -> None:
    mart.load(write_lake(tmp_path / "lake", [FIRST]))
    found = mart.query(
        "SELECT sum(num_views) AS total, count(*) AS pages, max(num_views_rank) AS last, sum(num_views) * 0.5 AS half "
        "FROM pageview_fact"
    )
    views = [row[3] for row in in_mart(mart)[FIRST]]
    assert found.row(0) == (sum(views), len(views), 40, sum(views) / 2)  # type: ignore[arg-type]
    assert found.dtypes[:3] == [pl.Int64] * 3


def test_whole_numbers_that_do_not_fit_stay_as_they_are(mart: Mart, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    lake.write(make_report([("en", rank, str(rank), 2**63 - 1) for rank in (1, 2)], hour=FIRST))
    mart.load(lake)
    (total,) = mart.query("SELECT sum(num_views) AS total FROM pageview_fact").row(0)
    assert total == 2**64 - 2


def test_query_takes_percent_signs_as_they_are(mart: Mart, tmp_path: Path) -> None:
    mart.load(write_lake(tmp_path / "lake", [FIRST]))
    titles = column(mart.query("SELECT page_name FROM page_dim"), "page_name")
    pages = sum(str(title).startswith("Page_1") for title in titles)
    found = mart.query("SELECT 5 % 3 AS a, '100%%' AS b, count(*) AS c FROM page_dim WHERE page_name LIKE 'Page_1%'")
    assert (pages > 1, found.row(0)) == (True, (2, "100%%", pages))


@pytest.mark.parametrize("sql", ["SELECT views FROM top_pages", "SELECT FROM WHERE", "SELECT * FROM pages"])
def test_wrong_query_is_an_error_of_the_query(mart: Mart, sql: str) -> None:
    mart.init()
    with pytest.raises(MartError) as refused:
        mart.query(sql)
    assert refused.value.hint.startswith("check the query")


@pytest.mark.parametrize("sql", ["SELECT * FROM page_dim a JOIN page_dim b ON a.page_dim_id = b.page_dim_id"])
def test_rows_that_do_not_fit_into_a_frame_are_an_error_of_the_query(mart: Mart, tmp_path: Path, sql: str) -> None:
    mart.load(write_lake(tmp_path / "lake", [FIRST]))
    with pytest.raises(MartError, match="^the rows of the query do not fit into a frame"):
        mart.query(sql)


def test_mart_that_is_not_there_is_named(mart: Mart) -> None:
    with pytest.raises(MartError, match="there is no mart"):
        mart.query("SELECT 1")
    with pytest.raises(MartError, match="there is no mart"):
        mart.info()


def test_loader_raises_why_an_hour_is_not_loaded(mart: Mart, tmp_path: Path) -> None:
    with mart.loader(Lake(str(tmp_path / "lake"))) as loading, pytest.raises(NotInLakeError):
        loading.load(HourPart(FIRST))


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_wrong_password_and_missing_server_show_no_secret(kind: str, request: pytest.FixtureRequest) -> None:
    server: DatabaseServer = request.getfixturevalue(kind)
    server.run("CREATE USER reader" if kind == "postgresql" else "CREATE OR REPLACE USER reader IDENTIFIED BY 'other'")
    wrong = server.address("nowhere", "reader", "verysecret")
    with pytest.raises(MartError) as denied:
        Mart(wrong).init()
    assert denied.value.hint == "check the user and the password"
    with pytest.raises(MartError) as absent:
        Mart(f"{kind}://reader:verysecret@127.0.0.1:1/x").init()
    assert absent.value.hint == "check the host and the port, and that the server is running"
    for error in (denied, absent):
        assert "verysecret" not in str(error.value) + repr(error.value) + repr(Mart(wrong))
    server.run("DROP USER reader")


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_unknown_option_of_an_address_is_named(kind: str, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(kind).address("nowhere") + "&colour=blue"
    with pytest.raises(MartError, match="colour"):
        Mart(address).init()


@pytest.mark.parametrize(
    ("kind", "options", "encryption"),
    [
        ("postgresql", "?sslmode=verify-full&sslrootcert=", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"),
        ("mariadb", "?ssl_ca=", "SHOW SESSION STATUS LIKE 'Ssl_version'"),
    ],
)
def test_options_about_tls_are_passed_on(
    kind: str, options: str, encryption: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: DatabaseServer = request.getfixturevalue(kind)
    rights = {
        "postgresql": ["CREATE ROLE secure SUPERUSER LOGIN PASSWORD 'verysecret'"],
        "mariadb": ["CREATE USER secure IDENTIFIED BY 'verysecret' REQUIRE SSL", "GRANT ALL ON *.* TO secure"],
    }
    self_signed_certificate(tmp_path)
    with server.database("secured"):
        for statement in rights[kind]:
            server.run(statement)
        address = server.address("secured", "secure", "verysecret") + options
        mart = Mart(f"{address}{server.certificate}")
        assert mart.init()
        assert mart.query(encryption).row(0)[-1] in {True, "TLSv1.3"}
        with pytest.raises(MartError, match="certificate") as error:
            Mart(f"{address}{tmp_path / 'certificate.pem'}").init()
        assert error.value.hint == "check the certificates, and the TLS options of the address"
        assert "verysecret" not in str(error.value)
    server.run("DROP USER secure")
