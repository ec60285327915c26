"""docs/failure-modes.md: every row is run, and every fault of the test server is in a row."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import pytest

from pvtop.cli.output import number_of_hours
from pvtop.core.hour import Hour
from pvtop.lake.layout import text_path
from pvtop.pipeline.hour import run_hour
from pvtop.settings import Settings
from support.pages import failure_modes
from support.samples import Command, WriteDump
from support.server.behaviours import status
from support.server.faults import BROKEN, FAULTS
from support.server.files import File, Server
from support.server.loopback import self_signed_certificate
from support.server.proxy import Proxy, Reply, always

HOUR, NEXT = Hour.parse("2024-08-03T06"), Hour.parse("2024-08-03T07")
PATH, LIST, MONTH = f"/{HOUR.dump_path}", "/blacklist", f"/{HOUR.month_folder}/"
WORDS = random.Random(1)
AT = ("--date", f"{HOUR.stamp:%Y-%m-%d}", "--hour", f"{HOUR.stamp.hour}")
LINES = [f"{code} {WORDS.randbytes(9).hex()} {views} 0\n" for code in ("de", "en", "fr") for views in range(1, 600)]
DUMP = File(gzip.compress("".join(LINES).encode(), mtime=0))
BLACKLIST = File("".join(line.rpartition(" ")[0].rpartition(" ")[0] + "\n" for line in LINES[::7]).encode())

SETTINGS = {
    "PVTOP_OUTPUT": "lake",
    "PVTOP_ATTEMPTS": "3",
    "PVTOP_CONNECTIONS": "3",
    "PVTOP_MAX_DOWNLOAD": "1MB",
    "PVTOP_MAX_INFLATED": "20MB",
}
SILENCES = {
    "slow start", "stall", "trickle", "head that trickles", "102 now and then", "102 without end",
    "chunk size that trickles", "trailer that trickles",
}  # fmt: skip
"""Faults that a time-out ends: only their tests have short time-outs. All other tests keep the long defaults."""


class Case(NamedTuple):
    """A fault, met once or always, its outcome, and the messages that it may end with."""

    fault: str
    often: str
    expected: str
    messages: tuple[str, ...]

    @property
    def timeouts(self) -> dict[str, str]:
        """The settings of the time-outs: short ones if the fault needs them."""
        return {"PVTOP_CONNECT_TIMEOUT": "0.5", "PVTOP_READ_TIMEOUT": "1"} if self.fault in SILENCES else {}


def cases(section: str, *how_often: str) -> list[Case]:
    """Return the cases of a section's table."""
    return [
        Case(fault, often, expected, messages_of(message))
        for fault, once, always, message, _ in failure_modes(section)
        for often, expected in (("once", once), ("always", always))
        if often in how_often
    ]


def messages_of(cell: str) -> tuple[str, ...]:
    return tuple(re.findall("`([^`]+)`", cell))


def name(case: Case) -> str:
    return f"{case.fault}, {case.often}"


def misbehave(server: Server, path: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a server show a fault, and set the time-outs that the fault needs."""
    for setting, value in case.timeouts.items():
        monkeypatch.setenv(setting, value)
    if case.often == "once":
        server.script[path] = [FAULTS[case.fault]]
    else:
        server.always[path] = FAULTS[case.fault]


def assert_as_on_the_page(done: CompletedProcess[str], case: Case) -> None:
    """Check the exit code of the page, and that two lines explain a failure."""
    assert (str(done.returncode), done.stdout) == (case.expected.replace("recovered", "0"), "")
    assert len(done.stderr.splitlines()) == (2 if done.returncode else 0)
    assert not done.returncode or any(message in done.stderr for message in case.messages)
    assert "Error" not in done.stderr, "a name of Python's is no explanation"


def ranking(hour: Hour = HOUR) -> str | None:
    """Return the text report of an hour below the line with its time, or None if the lake has none."""
    path = Path("lake", text_path(hour))
    return path.read_text().split("\n", 2)[2] if path.exists() else None


def assert_nothing_is_half_done(*hours: Hour) -> None:
    """Check that every file with a final name belongs to a made hour, and that nothing else is left."""
    done = {hour for hour in hours if ranking(hour)}
    assert {str(path.parent.relative_to("lake/top_pages")) for path in Path("lake").rglob("top_pages.parquet")} == {
        hour.partition for hour in done
    }
    left = {path.name for folder in ("cache", "lake") for path in Path(folder).rglob("*") if path.is_file()}
    assert not [name for name in left if name.endswith(".tmp")]
    assert {Hour.from_dump_name(name) for name in left} - {None} <= done


@pytest.fixture(autouse=True)
def _serve(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve two hours and a blacklist, and set the environment for them."""
    server.files |= {PATH: DUMP, f"/{NEXT.dump_path}": DUMP, LIST: BLACKLIST}
    for setting, value in {"PVTOP_SOURCE": server.url, "PVTOP_BLACKLIST": server.url + LIST, **SETTINGS}.items():
        monkeypatch.setenv(setting, value)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the ranking of the undamaged dump."""
    folder = tmp_path_factory.mktemp("undisturbed")
    for path, file in ((PATH, DUMP), (LIST, BLACKLIST)):
        (folder / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (folder / path[1:]).write_bytes(file.content)
    settings = Settings.load(source=str(folder), blacklist=str(folder / LIST[1:]), output=str(folder / "lake"))
    return Path(run_hour(HOUR, settings).text).read_text().split("\n", 2)[2]


def test_failure_modes_page_lists_every_fault() -> None:
    assert {fault for fault, *_ in failure_modes("A server and a dump")} == set(FAULTS)
    assert {fault for fault, *_ in failure_modes("A dump in a folder")} == set(BROKEN)
    assert {fault for fault, *_ in failure_modes("A dump that is refused")} == set(REFUSED)
    assert {fault for fault, *_ in failure_modes("A source that is laid out otherwise")} == set(LAYOUTS)


@pytest.mark.parametrize("case", cases("A server and a dump", "once", "always"), ids=name)
def test_report_with_a_faulty_dump(
    pvtop_in_process: Command, server: Server, right: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    misbehave(server, PATH, case, monkeypatch)
    assert_as_on_the_page(pvtop_in_process("report", *AT, "--quiet"), case)
    assert ranking() == (right if case.expected == "recovered" else None)
    assert_nothing_is_half_done(HOUR)


@pytest.mark.parametrize("silent", [False, True], ids=["", "silent"])
@pytest.mark.parametrize("often", ["once", "always"])
def test_batch_with_faulty_dumps(  # noqa: PLR0913 - fixtures
    pvtop_in_process: Command, server: Server, right: str, often: str, *, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hour meets another fault, the last hour none. No fault affects another hour."""
    faults = [case for case in cases("A server and a dump", often) if (case.fault in SILENCES) is silent]
    hours = [HOUR + i for i in range(len(faults) + 1)]
    for hour in hours:
        server.files[f"/{hour.dump_path}"] = DUMP
    for hour, case in zip(hours, faults, strict=False):
        misbehave(server, f"/{hour.dump_path}", case, monkeypatch)
    batch = ("batch", "--start", hours[0].iso, "--end", hours[-1].iso)
    done = pvtop_in_process(*batch, "--json")
    assert done.returncode == (0 if silent and often == "once" else 4)
    result = json.loads(done.stdout)
    errors = {failed["hour"]: failed["error"] for failed in result["failures"]}
    status = dict.fromkeys(errors, "1") | dict.fromkeys(result["not_published"], "3")
    met = dict(zip([hour.iso for hour in hours], faults, strict=False))
    assert {case.fault: status.get(hour, "recovered") for hour, case in met.items()} == {
        case.fault: case.expected for case in faults
    }
    for hour, error in errors.items():
        assert any(message in error for message in met[hour].messages), (met[hour], error)
    assert [ranking(hour) for hour in hours] == [None if hour.iso in status else right for hour in hours]
    assert_nothing_is_half_done(*hours)
    server.always.clear()
    server.script.clear()
    for setting in faults[0].timeouts:
        monkeypatch.delenv(setting)
    assert pvtop_in_process(*batch).returncode == 0
    assert [ranking(hour) for hour in hours] == [right] * len(hours)


@pytest.mark.parametrize("args", [("report", *AT), ("batch", "--start", HOUR.iso)], ids=["report", "batch"])
@pytest.mark.parametrize("case", cases("A server and the blacklist", "once", "always"), ids=name)
def test_run_with_a_faulty_blacklist(  # noqa: PLR0913, PLR0917 - fixtures
    pvtop_in_process: Command,
    server: Server,
    right: str,
    case: Case,
    args: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    misbehave(server, LIST, case, monkeypatch)
    assert_as_on_the_page(pvtop_in_process(*args, "--quiet"), case)
    assert ranking() == (right if case.expected == "recovered" else None)
    assert_nothing_is_half_done(HOUR)


@pytest.mark.parametrize("args", [("report",), ("batch", "--last", "2")], ids=["report", "batch"])
@pytest.mark.parametrize("case", cases("A server and its listing", "once", "always"), ids=name)
def test_run_with_a_faulty_listing(  # noqa: PLR0913, PLR0917 - fixtures
    pvtop_in_process: Command,
    server: Server,
    right: str,
    case: Case,
    args: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    misbehave(server, MONTH, case, monkeypatch)
    assert_as_on_the_page(pvtop_in_process(*args, "--quiet"), case)
    assert ranking(NEXT) == (right if case.expected == "recovered" else None)


@pytest.mark.parametrize("row", list(failure_modes("A dump in a folder")), ids=lambda row: row[0])
def test_report_with_a_damaged_dump_in_a_folder(
    pvtop_in_process: Command, write_dump: WriteDump, row: tuple[str, ...]
) -> None:
    fault, expected, message, _ = row
    path = write_dump("")
    path.write_bytes(BROKEN[fault](DUMP.content))
    done = pvtop_in_process("report", *AT, "--source", str(path.parents[2]), "--quiet")
    assert_as_on_the_page(done, Case(fault, "always", expected, messages_of(message)))
    assert (ranking() is not None) == (expected == "0")


def test_batch_with_damaged_dumps_in_a_folder(pvtop_in_process: Command, write_dump: WriteDump, right: str) -> None:
    """Each hour has another fault, the last hour none. No fault affects another hour; the next run makes all."""
    rows = {HOUR + i: row for i, row in enumerate(failure_modes("A dump in a folder"))}
    hours = [*rows, HOUR + len(rows)]
    paths = {hour: write_dump("", hour) for hour in hours}
    for hour, path in paths.items():
        path.write_bytes(BROKEN[rows[hour][0]](DUMP.content) if hour in rows else DUMP.content)
    batch = ("batch", "--start", hours[0].iso, "--end", hours[-1].iso, "--source", "source")
    failed = {hour: message.strip("`") for hour, (_, expected, message, _) in rows.items() if expected == "1"}
    done = pvtop_in_process(*batch, "--quiet")
    assert (done.returncode, done.stdout) == (4, "")
    *told, summary, _ = done.stderr.splitlines()
    assert summary == f"pvtop: {len(failed)} of {number_of_hours(len(hours))} failed"
    assert len(told) == len(failed)
    for hour, message in failed.items():
        assert [line for line in told if f"{hour.iso} failed: " in line and message in line]
    assert [ranking(hour) for hour in hours] == [None if hour in failed else right for hour in hours]
    assert_nothing_is_half_done(*hours)
    for path in paths.values():
        path.write_bytes(DUMP.content)
    assert pvtop_in_process(*batch, "--quiet").returncode == 0
    assert [ranking(hour) for hour in hours] == [right] * len(hours)


# Sources that are laid out otherwise.

LAYOUTS = {  # where the dump is, and where the source is
    "dumps in one folder": (HOUR.dump_path.rpartition("/")[2], ""),
    "address of a year": (HOUR.dump_path, "/2024"),
    "address of a month": (HOUR.dump_path, "/2024/2024-08/"),
    "address above the root": (f"pageviews/{HOUR.dump_path}", ""),
}


@pytest.mark.parametrize("remote", [False, True], ids=["folder", "server"])
@pytest.mark.parametrize(
    "args",
    [("report",), ("report", *AT[:2]), ("report", *AT), ("batch", "--start", HOUR.iso), ("batch", "--last", "2")],
    ids=["newest", "of a day", "one hour", "range", "last"],
)
@pytest.mark.parametrize("row", list(failure_modes("A source that is laid out otherwise")), ids=lambda row: row[0])
def test_source_that_is_laid_out_otherwise_is_explained(
    pvtop_in_process: Command, server: Server, row: tuple[str, ...], args: tuple[str, ...], *, remote: bool
) -> None:
    fault, expected, message, _ = row
    path, root = LAYOUTS[fault]
    server.files = {f"/{path}": DUMP}
    Path("source", path).parent.mkdir(parents=True)
    Path("source", path).write_bytes(DUMP.content)
    address = (server.url if remote else "source") + root
    done = pvtop_in_process(*args, "--source", address, "--blacklist", "none", "--quiet")
    assert_as_on_the_page(done, Case(fault, "always", expected, messages_of(message)))
    assert len(server.requests) <= 5  # the dump or two listings to find it, and two listings to explain


# Dumps that are refused for what they hold.


def malformed(write_dump: WriteDump, _: Command) -> tuple[str, ...]:
    write_dump("".join(LINES) + "en\n" * 99)
    return ()


def not_whole(write_dump: WriteDump, _: Command) -> tuple[str, ...]:
    write_dump("".join(LINES))
    return ("--expect-whole",)


def shrunken(write_dump: WriteDump, pvtop_in_process: Command) -> tuple[str, ...]:
    write_dump("".join(LINES))
    assert pvtop_in_process("report", *AT, "--source", "source", "--quiet").returncode == 0
    write_dump("".join(LINES[:99]))
    return ()


REFUSED = {
    "too many malformed lines": malformed,
    "a dump that is not whole": not_whole,
    "a report much smaller than the one it replaces": shrunken,
}


@pytest.mark.parametrize("args", [("report", *AT), ("batch", "--start", HOUR.iso)], ids=["report", "batch"])
@pytest.mark.parametrize("row", list(failure_modes("A dump that is refused")), ids=lambda row: row[0])
def test_refused_dump_keeps_the_old_report(
    pvtop_in_process: Command, write_dump: WriteDump, row: tuple[str, ...], args: tuple[str, ...]
) -> None:
    fault, *codes, message, _ = row
    args += REFUSED[fault](write_dump, pvtop_in_process)
    before = ranking()
    done = pvtop_in_process(*args, "--source", "source", "--quiet")
    assert (str(done.returncode), done.stdout) == (codes[args[0] == "batch"], "")
    assert message.strip("`") in done.stderr
    assert ranking() == before
    assert_nothing_is_half_done(HOUR)


# Servers that cannot be reached.


@pytest.fixture
def self_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run a server with an untrusted certificate, without any proxy."""
    monkeypatch.setenv("NO_PROXY", "*")
    with Server(tls=self_signed_certificate(tmp_path)) as running:
        yield running


@pytest.mark.parametrize("args", [("report", *AT), ("batch", "--last", "2")], ids=["report", "batch"])
@pytest.mark.parametrize("row", list(failure_modes("A server that cannot be reached")), ids=lambda row: row[0])
def test_unreachable_server_is_explained(
    pvtop_in_process: Command, self_signed: Server, row: tuple[str, ...], args: tuple[str, ...]
) -> None:
    fault, expected, message, _ = row
    address = {
        "connection refused": "http://127.0.0.1:1",
        "name that does not resolve": "http://nowhere.invalid",
        "certificate that is not trusted": self_signed.url,
    }[fault]
    done = pvtop_in_process(*args, "--source", address, "--blacklist", "none", "--quiet")
    assert_as_on_the_page(done, Case(fault, "always", expected, messages_of(message)))
    done = pvtop_in_process("report", *AT, "--blacklist", f"{address}/list", "--quiet")
    assert_as_on_the_page(done, Case(fault, "always", expected, messages_of(message)))
    assert_nothing_is_half_done(HOUR)


@pytest.mark.parametrize("row", list(failure_modes("A redirect that is refused")), ids=lambda row: row[0])
def test_refused_redirect_is_explained(
    pvtop_process: Command, server: Server, self_signed: Server, row: tuple[str, ...], tmp_path: Path
) -> None:
    fault, expected, message, _ = row
    self_signed.always[PATH] = status(302, Location=server.url + PATH)
    with Proxy(always(302, Location=server.url + PATH)) as proxy:
        address, no_proxy = {
            "redirect from https to http": (self_signed.url, "*"),
            "redirect from a public to a private address": (FAR, "127.0.0.1"),
        }[fault]
        trust = {"SSL_CERT_FILE": str(tmp_path / "certificate.pem"), "NO_PROXY": no_proxy, "http_proxy": proxy.url}
        done = pvtop_process("report", *AT, "--source", address, "--blacklist", "none", "--quiet", **trust)
    assert_as_on_the_page(done, Case(fault, "always", expected, messages_of(message)))
    assert server.requests == []
    assert_nothing_is_half_done(HOUR)


# Proxies.

FAR = "http://dumps.example.invalid"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("row", list(failure_modes("A proxy")), ids=lambda row: row[0])
def test_failure_of_a_proxy_names_it(
    pvtop_in_process: Command, monkeypatch: pytest.MonkeyPatch, row: tuple[str, ...], scheme: str
) -> None:
    fault, *codes, message, _ = row
    answer = re.search(r"\d+", fault)
    with Proxy(always(int(answer[0]) if answer else 200)) as proxy:
        address = {"proxy that is not there": "http://127.0.0.1:1", "SOCKS proxy": "socks5://127.0.0.1:1"}.get(
            fault, proxy.url
        )
        monkeypatch.setenv("all_proxy", address)
        for place in ("--source", "--blacklist"):
            others = ("--blacklist", "none") if place == "--source" else ()
            asked = len(proxy.asked)
            done = pvtop_in_process(
                "report", *AT, *others, place, FAR.replace("http", scheme), "--quiet", PVTOP_ATTEMPTS="3"
            )
            expected = Case(fault, "always", codes[scheme == "https"], messages_of(message))
            assert_as_on_the_page(done, expected)
            assert address in done.stderr
            assert len(proxy.asked) - asked == {"proxy answers 503": 3}.get(fault, int(bool(answer)))


def test_proxy_over_tls_is_used(pvtop_process: Command, tmp_path: Path, right: str) -> None:
    with Proxy(lambda _, __: Reply(200, {}, DUMP.content), self_signed_certificate(tmp_path)) as proxy:
        trust = {"SSL_CERT_FILE": str(tmp_path / "certificate.pem"), "http_proxy": proxy.url}
        done = pvtop_process("report", *AT, "--source", FAR, "--quiet", **trust)
    assert done.returncode == 0, done.stderr
    assert ranking() == right


# Offline.


@pytest.mark.parametrize("args", [("report", *AT), ("batch", "--start", HOUR.iso)], ids=["report", "batch"])
@pytest.mark.parametrize("row", list(failure_modes("Offline")), ids=lambda row: row[0])
def test_what_needs_the_network_is_named_offline(
    pvtop_in_process: Command, server: Server, row: tuple[str, ...], args: tuple[str, ...]
) -> None:
    fault, *codes, message, _ = row
    future = ("report", "--date", "2999-01-01") if args[0] == "report" else ("batch", "--start", "2999-01-01")
    args = {
        "offline, and the dump is not in the cache": (*args, "--blacklist", "none"),
        "offline, and the blacklist is not in the cache": args,
        "offline, and the lake is on object storage": (*args, "--output", "s3://bucket/lake"),
        "hour in the future": future,
    }[fault]
    done = pvtop_in_process(*args, "--offline")
    assert (str(done.returncode), server.requests) == (codes[args[0] == "batch"], [])
    assert any(one in done.stderr for one in messages_of(message))
