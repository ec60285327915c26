"""The command `report`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pvtop.core.hour import Hour
from support.samples import DATA, Command, WriteDump
from support.server.behaviours import status
from support.server.files import Server

SOURCE = DATA / "source"
SAMPLE = ("report", "--source", SOURCE, "--blacklist", DATA / "blacklist", "--output", "lake")
HOUR = Hour.parse("2024-12-31T14")
AT = ("--date", "2024-12-31", "--hour", "14")
PATH = f"/{HOUR.dump_path}"


@pytest.fixture
def web_server() -> Iterator[str]:
    """Serve the sample as a user would, with Python's own web server."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(SOURCE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split("(")[1].split(")")[0].rstrip("/")
        process.terminate()


def test_report_prints_what_it_made(pvtop_process: Command) -> None:
    done = pvtop_process(*SAMPLE, *AT)
    assert done.returncode == 0, done.stderr
    first, *written = done.stdout.splitlines()
    assert first.startswith("2024-12-31 14:00 UTC: ")
    assert first.endswith(" (made)")
    assert written == [
        "lake/text/2024/2024-12/top_pages-20241231-140000.txt",
        "lake/top_pages/date=2024-12-31/hour=14/top_pages.parquet",
        "lake/domains/date=2024-12-31/hour=14/domains.parquet",
    ]
    assert all(Path(path).is_file() for path in written)
    assert done.stderr == ""


def test_report_is_unchanged_the_second_time_unless_forced(pvtop_in_process: Command) -> None:
    pvtop_in_process(*SAMPLE, *AT)
    again = pvtop_in_process(*SAMPLE, *AT)
    assert again.returncode == 0
    assert "(unchanged)" in again.stdout
    assert "(made)" in pvtop_in_process(*SAMPLE, *AT, "--force").stdout


def test_report_as_json(pvtop_in_process: Command) -> None:
    data = json.loads(pvtop_in_process(*SAMPLE, *AT, "--json").stdout)
    assert (data["hour"], data["state"]) == ("2024-12-31T14", "made")
    assert data["provenance"]["rows"] > 1_000
    assert Path(data["files"]["text"]).is_file()


def test_report_of_the_newest_hour(pvtop_in_process: Command) -> None:
    assert pvtop_in_process(*SAMPLE).stdout.startswith("2025-01-01 01:00 UTC")
    assert pvtop_in_process(*SAMPLE, "--date", "2016-02-29").stdout.startswith("2016-02-29 02:00 UTC")
    assert pvtop_in_process(*SAMPLE, "--hour", "23").stdout.startswith("2024-12-31 23:00 UTC")


def test_report_from_a_web_server_equals_that_from_a_folder(pvtop_in_process: Command, web_server: str) -> None:
    pvtop_in_process(*SAMPLE, *AT)
    online = pvtop_in_process(
        "report", *AT, "--source", web_server, "--blacklist", DATA / "blacklist", "--output", "online"
    )
    assert online.returncode == 0, online.stderr
    text = "text/2024/2024-12/top_pages-20241231-140000.txt"
    assert Path("online", text).read_bytes() == Path("lake", text).read_bytes()


def test_report_finds_the_newest_hour_of_a_web_server(pvtop_in_process: Command, web_server: str) -> None:
    online = pvtop_in_process("report", "--source", web_server, "--blacklist", "none")
    assert online.stdout.startswith("2025-01-01 01:00 UTC"), online.stderr


def test_quiet_report_prints_nothing(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*SAMPLE, "--date", "2016-02-29", "--hour", "0", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_report_logs_malformed_lines(pvtop_in_process: Command) -> None:
    done = pvtop_in_process(*SAMPLE, "--date", "2016-02-29", "--hour", "0")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: ")
    assert " malformed lines, such as " in done.stderr


def test_report_of_a_truncated_dump_writes_nothing(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    path = write_dump("".join(f"en T{i} 1 0\n" for i in range(999)))
    path.write_bytes(path.read_bytes()[:-20])
    done = pvtop_in_process("report", "--source", "source", "--blacklist", "none", "--output", "lake")
    assert done.returncode == 1
    assert "is truncated" in done.stderr
    assert not [found for found in Path("lake").rglob("*") if found.is_file()]


def test_report_with_too_many_malformed_lines_exits_5(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    write_dump("en A 1 0\nen\n")
    done = pvtop_in_process("report", "--source", "source", "--blacklist", "none")
    assert done.returncode == 5
    assert "1 of 2 lines" in done.stderr
    assert (
        pvtop_in_process("report", "--source", "source", "--blacklist", "none", PVTOP_MALFORMED_LIMIT="0.5").returncode
        == 0
    )


def test_report_forbidden_by_the_server_advises_a_contact(pvtop_in_process: Command, server: Server) -> None:
    server.script[PATH] = [status(403)]
    done = pvtop_in_process("report", *AT, "--source", server.url, "--blacklist", "none")
    assert done.returncode == 1
    assert "give your e-mail address (--contact)" in done.stderr


def test_report_of_an_hour_that_is_not_published_exits_3(pvtop_in_process: Command, server: Server) -> None:
    done = pvtop_in_process("report", *AT, "--source", server.url, "--blacklist", "none")
    assert done.returncode == 3
    assert "is not published" in done.stderr
