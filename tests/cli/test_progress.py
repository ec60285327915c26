"""Progress on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pvtop.core.hour import Hour
from support.samples import DATA, Command, serve
from support.server.files import File, Server
from support.terminal import on_terminal

SOURCE = DATA / "source"
HOUR = Hour.parse("2024-12-31T14")
AT = ("--date", "2024-12-31", "--hour", "14")
PATH = f"/{HOUR.dump_path}"


@pytest.fixture
def report(server: Server) -> tuple[str, ...]:
    """Return the command that makes a report from a server."""
    server.files[PATH] = File((SOURCE / HOUR.dump_path).read_bytes())
    return ("report", *AT, "--source", server.url, "--blacklist", "none")


def test_steps_of_an_hour_are_shown_on_a_terminal_only(report: tuple[str, ...], pvtop_in_process: Command) -> None:
    seen = on_terminal(*report)
    assert seen.returncode == 0
    assert all(step in seen.text for step in ("2024-12-31T14", "━", "starting", "computing"))
    quiet = pvtop_in_process(*report, "--refresh-dump")
    assert not any(step in quiet.stderr for step in ("━", "starting", "computing"))


def test_download_is_announced_when_it_begins(report: tuple[str, ...], pvtop_in_process: Command) -> None:
    assert f"downloading {report[6]}{PATH}\n" in pvtop_in_process(*report).stderr


def test_result_of_each_hour_stays_above_the_bars(server: Server) -> None:
    hours = [HOUR, HOUR + 1]
    settings = serve(server, hours)
    batch = ("batch", "--start", hours[0].iso, "--end", hours[1].iso, "--source", settings.source)
    seen = on_terminal(*batch, "--blacklist", "none")
    for hour in hours:
        assert any(line.startswith(f"{hour.iso} made: ") for line in seen.lines), seen.text


@pytest.mark.parametrize("command", ["report", "batch"])
def test_json_log_on_a_terminal_has_one_object_a_line_and_nothing_else(server: Server, command: str) -> None:
    server.files[PATH] = File(b"junk")
    hours = AT if command == "report" else ("--start", HOUR.iso, "--end", HOUR.iso)
    source = ("--source", server.url, "--blacklist", "none", "--log-format", "json", "-v")
    seen = on_terminal(command, *hours, *source, columns=40)
    assert "\x1b" not in seen.raw
    logged = [json.loads(line) for line in seen.raw.splitlines()]
    assert logged[-1]["level"] == "error"
    assert logged[-1]["exit_code"] == seen.returncode
    assert "Traceback" in logged[-1]["traceback"]


@pytest.mark.parametrize(
    ("args", "text"),
    [(("validate", "--output", "lake"), "checking 1 hour"), (("cache", "verify"), "verifying 0 dumps")],
)
def test_long_wait_has_a_spinner_on_a_terminal_only(
    pvtop_in_process: Command, args: tuple[str, ...], text: str
) -> None:
    pvtop_in_process("report", *AT, "--source", SOURCE, "--blacklist", "none", "--output", "lake")
    assert text in on_terminal(*args).text
    assert text not in pvtop_in_process(*args).stderr


def test_narrow_terminal_has_no_bars_but_the_steps(report: tuple[str, ...]) -> None:
    seen = on_terminal(*report, columns=40)
    assert "━" not in seen.text
    assert "2024-12-31T14 computing" in seen.text
    assert Path("reports").exists()
