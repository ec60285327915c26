"""docs/failure-modes.md, held to what happens: every row is run, and every fault of the server is in a row."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import Command, WriteDump
from pages import failure_modes
from pvtop.batch import run_hours
from pvtop.errors import PvtopError
from pvtop.hours import Hour
from pvtop.pipeline import newest_hour, run_hour
from pvtop.settings import Settings
from server import BROKEN, FAULTS, File, Server

HOUR, NEXT = Hour.parse("2024-08-03T06"), Hour.parse("2024-08-03T07")
PATH, LIST, MONTH = f"/{HOUR.dump_path}", "/blacklist", f"/{HOUR.month_folder}/"
WORDS = random.Random(1)
LINES = [f"{code} {WORDS.randbytes(9).hex()} {views} 0\n" for code in ("de", "en", "fr") for views in range(1, 600)]
DUMP = File(gzip.compress("".join(LINES).encode(), mtime=0))
BLACKLIST = File("".join(line.rpartition(" ")[0].rpartition(" ")[0] + "\n" for line in LINES[::7]).encode())

LIMITS = {"attempts": 3, "read_timeout": 0.5, "max_download": 1_000_000, "max_inflated": 20_000_000}


class Case(NamedTuple):
    """A fault, met once or always, with its outcome and what the message holds."""

    fault: str
    often: str
    expected: str
    message: str


def cases(section: str, *how_often: str) -> list[Case]:
    """Give the cases of a section's table."""
    return [
        Case(fault, often, expected, message.strip("`"))
        for fault, once, always, message, _ in failure_modes(section)
        for often, expected in (("once", once), ("always", always))
        if often in how_often
    ]


def name(case: Case) -> str:
    return f"{case.fault}, {case.often}"


def misbehave(server: Server, path: str, case: Case) -> None:
    if case.fault in BROKEN:
        BROKEN[case.fault](
            DUMP.content
        )  # packing a bomb takes longer than the client waits; the second time it is there
    if case.often == "once":
        server.script[path] = [FAULTS[case.fault]]
    else:
        server.always[path] = FAULTS[case.fault]


def outcome(step: Callable[[], object], message: str) -> str:
    """Do something that may fail; tell what came of it as the page does."""
    try:
        step()
    except PvtopError as error:
        failure = error
    else:
        return "recovered"
    assert message
    assert message in f"{failure} {failure.hint}"
    assert failure.hint
    assert "Error" not in str(failure), "a name of Python's is no explanation"
    return str(failure.exit_code)


def text(hour: Hour = HOUR) -> bytes | None:
    """Give the text report of an hour, None where the lake has none."""
    path = Path("lake", "text", hour.month_folder, f"top_pages-{hour.stamp:%Y%m%d-%H}0000.txt")
    return path.read_bytes() if path.exists() else None


def assert_nothing_is_half_done(settings: Settings, right: bytes) -> None:
    """Whatever has a final name is right, and nothing else is left."""
    assert text() in {None, right}
    done = [path for path in Path("lake").rglob("top_pages.parquet") if f"hour={HOUR.stamp:%H}" in str(path)]
    assert bool(done) == (text() is not None)
    names = {path.name for path in settings.cache_dir.rglob("*") if path.is_file()} - {NEXT.dump_path[-28:]}
    assert not [name for name in names if name.endswith(".tmp")]
    if not done:
        assert HOUR.dump_path.rpartition("/")[2] not in names


@pytest.fixture
def settings(server: Server) -> Settings:
    """Serve two hours and a blacklist."""
    server.files |= {PATH: DUMP, f"/{NEXT.dump_path}": DUMP, LIST: BLACKLIST}
    return Settings.load(source=server.url, blacklist=server.url + LIST, output="lake", **LIMITS)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the text report of the first hour, made undisturbed, in a folder."""
    folder = tmp_path_factory.mktemp("undisturbed")
    for path, file in ((PATH, DUMP), (LIST, BLACKLIST)):
        (folder / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (folder / path[1:]).write_bytes(file.content)
    settings = Settings.load(source=str(folder), blacklist=str(folder / LIST[1:]), output=str(folder / "lake"))
    return Path(run_hour(HOUR, settings).text).read_bytes()


def test_every_fault_is_on_the_page() -> None:
    assert {fault for fault, *_ in failure_modes("A server and a dump")} == set(FAULTS)
    assert {fault for fault, *_ in failure_modes("A dump in a folder")} == set(BROKEN)


@pytest.mark.parametrize("case", cases("A server and a dump", "once", "always"), ids=name)
def test_a_report_of_a_dump(server: Server, settings: Settings, right: bytes, case: Case) -> None:
    misbehave(server, PATH, case)
    assert outcome(lambda: run_hour(HOUR, settings), case.message) == case.expected
    assert (text() is not None) == (case.expected == "recovered")
    assert_nothing_is_half_done(settings, right)


@pytest.mark.parametrize("case", cases("A server and a dump", "always"), ids=name)
def test_a_batch_does_the_other_hours(server: Server, settings: Settings, right: bytes, case: Case) -> None:
    misbehave(server, PATH, case)
    result = run_hours([HOUR, NEXT], settings)
    status = {"recovered": "written", "1": "failed", "3": "not published"}[case.expected]
    assert (+result.counts) == Counter([status, "written"])
    assert [case.message in str(failed.error) for failed in result.failures] == [True] * result.counts["failed"]
    assert_nothing_is_half_done(settings, right)
    server.always.clear()
    run_hours([HOUR, NEXT], settings)
    assert text() == right
    assert text(NEXT)


@pytest.mark.parametrize("case", cases("A server and the blacklist", "once", "always"), ids=name)
def test_a_blacklist(server: Server, settings: Settings, right: bytes, case: Case) -> None:
    misbehave(server, LIST, case)
    assert outcome(lambda: run_hour(HOUR, settings), case.message) == case.expected
    assert_nothing_is_half_done(settings, right)


@pytest.mark.parametrize("case", cases("A server and its listing", "once", "always"), ids=name)
def test_a_listing(server: Server, settings: Settings, case: Case) -> None:
    misbehave(server, MONTH, case)
    assert outcome(lambda: newest_hour(settings), case.message) == case.expected


@pytest.mark.parametrize("row", list(failure_modes("A dump in a folder")), ids=lambda row: row[0])
def test_a_dump_in_a_folder(write_dump: WriteDump, settings: Settings, row: tuple[str, ...]) -> None:
    fault, expected, message, _ = row
    path = write_dump("")
    path.write_bytes(BROKEN[fault](DUMP.content))
    chosen = settings.model_copy(update={"source": str(path.parents[2])})
    assert outcome(lambda: run_hour(HOUR, chosen), message.strip("`")) == expected.replace("0", "recovered")
    assert (text() is not None) == (expected == "0")


SEEN = [case for case in cases("A server and a dump", "always") if case.fault in {"503", "404", "web page", "endless"}]


@pytest.mark.parametrize("case", SEEN, ids=name)
@pytest.mark.usefixtures("settings")
def test_what_a_user_sees(pvtop: Command, server: Server, case: Case) -> None:
    """Two lines, and the exit code of the page; that of a batch after it."""
    misbehave(server, PATH, case)
    args = ("--source", server.url, "--blacklist", "none", "--output", "lake", "--quiet")
    limits = {"PVTOP_ATTEMPTS": "2", "PVTOP_MAX_DOWNLOAD": "1MB"}
    one = pvtop("report", *args, "--date", "2024-08-03", "--hour", "6", **limits)
    assert (one.returncode, one.stdout, len(one.stderr.splitlines())) == (int(case.expected), "", 2)
    assert case.message in one.stderr
    many = pvtop("batch", *args, "--start", "2024-08-03T06", "--end", "2024-08-03T07", **limits)
    assert many.returncode == (4 if case.expected == "1" else 0)
    assert len(many.stderr.splitlines()) == (3 if many.returncode else 0)
