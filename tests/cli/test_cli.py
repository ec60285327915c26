"""The command line as a whole: how it starts, how it fails, what its help says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvtop._version import __version__
from pvtop.cli import ARENAS, limit_arenas
from support.samples import DATA, Command

SOURCE = DATA / "source"
SAMPLE = ("report", "--source", SOURCE, "--blacklist", DATA / "blacklist", "--output", "lake")
AT = ("--date", "2024-12-31", "--hour", "14")


@pytest.mark.parametrize(
    ("found", "set_to"),
    [
        ("", ARENAS),
        ("dirty_decay_ms:500", f"dirty_decay_ms:500,{ARENAS}"),
        ("narenas:8", "narenas:8"),
    ],
)
def test_limit_arenas_keeps_what_is_already_set(found: str, set_to: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process below one that has loaded Polars finds what that has set."""
    monkeypatch.setenv("_RJEM_MALLOC_CONF", found)
    limit_arenas()
    assert os.environ["_RJEM_MALLOC_CONF"] == set_to


def test_option_wins_over_environment_and_environment_over_file(pvtop_in_process: Command) -> None:
    Path("pvtop.toml").write_text(f'source = "{SOURCE}"\nblacklist = "none"\noutput = "from-file"\ntop = 3\n')
    assert pvtop_in_process("report", *AT).stdout.splitlines()[1].startswith("from-file/text/")
    assert pvtop_in_process("report", *AT, PVTOP_OUTPUT="from-env").stdout.splitlines()[1].startswith("from-env/text/")
    assert (
        pvtop_in_process("report", *AT, "--output", "flag", PVTOP_OUTPUT="from-env")
        .stdout.splitlines()[1]
        .startswith("flag/")
    )
    assert (
        Path("flag/text/2024/2024-12/top_pages-20241231-140000.txt").read_text().startswith("Top 3 pages per domain\n")
    )


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--date", "2019-02-30", "--hour", "1"), 2, "2019-02-30 does not exist"),
        (("--date", "yesterday", "--hour", "1"), 2, "'yesterday' is not a date"),
        (("--date", "2024-12-31", "--hour", "24"), 2, "hour 24 does not exist"),
        (("--date", "2015-05-01", "--hour", "0"), 2, "before the first dump"),
        (("--date", "2024-12-29", "--hour", "13"), 3, "is not published"),
        (("--date", "2024-12-28"), 3, "has no dump of 2024-12-28"),
        (("--top", "0"), 2, "top: "),
        (("--contact", "a\nb"), 2, "contact: "),
        (("--source", "nowhere"), 1, "the source nowhere does not exist"),
        (("--source", "http://"), 2, "source: "),
        (("--source", "http://127.0.0.1:1/"), 1, "connection failed"),
        (("--source", "nonsense://bucket"), 1, "nonsense://bucket"),
        (("--output", "/dev/null/lake"), 1, "cannot write the lake /dev/null/lake"),
        (("--output", "nonsense://bucket"), 1, "nonsense://bucket"),
        (("--blacklist", "nowhere"), 1, "cannot read the blacklist nowhere"),
        (("--blacklist", "http://127.0.0.1:1/list"), 1, "cannot download the blacklist"),
    ],
)
def test_failure_is_explained_in_two_lines_and_writes_no_report(
    pvtop_in_process: Command, args: tuple[str, ...], code: int, message: str
) -> None:
    done = pvtop_in_process(*SAMPLE, *args, PVTOP_ATTEMPTS="1")
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith(("pvtop: ", "  "))]
    assert message in lines[0]
    assert len(lines) <= 2
    assert "Traceback" not in done.stderr
    assert not [path for path in Path("lake").rglob("*") if path.is_file()]


def test_unknown_options_and_commands_exit_2(pvtop_in_process: Command) -> None:
    assert pvtop_in_process("report", "--nonsense").returncode == 2
    assert pvtop_in_process("nonsense").returncode == 2
    assert pvtop_in_process("report", "--hour", "noon").returncode == 2


def test_unknown_key_in_the_configuration_file_is_named(pvtop_in_process: Command) -> None:
    Path("pvtop.toml").write_text("tpo = 3\n")
    done = pvtop_in_process("report")
    assert done.returncode == 2
    assert "tpo" in done.stderr


def test_traceback_is_shown_with_verbose_only(pvtop_in_process: Command) -> None:
    assert "Traceback" not in pvtop_in_process("report", "--source", "nowhere").stderr
    assert "Traceback" in pvtop_in_process("report", "--source", "nowhere", "--verbose").stderr


@pytest.mark.parametrize(
    "command",
    [
        "report", "show", "domains", "batch", "status", "validate", "blacklist info", "blacklist refresh",
        "cache dir", "cache ls", "cache verify", "cache prune", "config show",
    ],
)  # fmt: skip
def test_every_command_has_help_with_an_example(pvtop_in_process: Command, command: str) -> None:
    shown = pvtop_in_process(*command.split(), "--help")
    assert shown.returncode == 0
    assert f"pvtop {command}" in shown.stdout.replace("Usage: pvtop", "")


def test_version(pvtop_process: Command) -> None:
    assert pvtop_process("--version").stdout == f"pvtop {__version__}\n"
