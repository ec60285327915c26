"""What a failure prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.samples import DATA, Command
from support.terminal import on_terminal

SOURCE = DATA / "source"
LOCAL = ("--source", SOURCE, "--blacklist", "none", "--output", "lake")
AT = ("--date", "2024-12-31", "--hour", "14")
FAILURES = [
    (("report", "--nonsense"), "UsageError", 2),
    (("nonsense",), "UsageError", 2),
    (("report", "--hour", "noon"), "UsageError", 2),
    (("report", "--hour", "24"), "UsageError", 2),
    (("report", "--top", "0"), "UsageError", 2),
    (("show", "--csv"), "UsageError", 2),
    (("report", "--source", "nowhere"), "SourceError", 1),
    (("report", *LOCAL, "--date", "2024-12-29", "--hour", "13"), "NotPublishedError", 3),
    (("show", "--output", "nowhere"), "NotInLakeError", 3),
    (("batch", "--end", "2024-12-31T14"), "UsageError", 2),
]


@pytest.mark.parametrize(("args", "kind", "code"), FAILURES)
def test_failure_with_json_prints_one_error_document(
    pvtop_in_process: Command, args: tuple[str, ...], kind: str, code: int
) -> None:
    done = pvtop_in_process(*args, "--json")
    (error,) = json.loads(done.stdout).values()
    assert (error["type"], error["exit_code"], done.returncode) == (kind, code, code)
    assert error["message"] in done.stderr
    assert set(error) == {"type", "message", "hint", "exit_code"}


def test_failure_without_json_prints_nothing_on_stdout(pvtop_in_process: Command) -> None:
    assert pvtop_in_process("report", "--source", "nowhere").stdout == ""


@pytest.mark.parametrize(
    ("args", "code"), [(("batch", *LOCAL, "--start", "2024-12-29T13"), 3), (("validate", "--output", "lake"), 5)]
)
def test_result_with_faults_is_the_only_document(pvtop_in_process: Command, args: tuple[str, ...], code: int) -> None:
    pvtop_in_process("report", *LOCAL, *AT)
    Path("lake/domains/date=2024-12-31/hour=14/domains.parquet").write_bytes(b"junk")
    done = pvtop_in_process(*args, "--json")
    assert done.returncode == code
    assert "counts" in json.loads(done.stdout)
    assert "pvtop: " in done.stderr


def test_wrong_usage_is_json_on_stderr_if_the_log_is(pvtop_in_process: Command) -> None:
    for form in (("--log-format", "json"), ("--log-format=json",)):
        done = pvtop_in_process("batch", *form, "--nonsense")
        logged = json.loads(done.stderr)
        assert (done.returncode, logged["level"], logged["exit_code"]) == (2, "error", 2)
        assert "--nonsense" in logged["message"]


def test_failure_is_red_on_a_terminal_unless_colours_are_off() -> None:
    args = ("show", "--output", "nowhere")
    assert on_terminal(*args).raw.startswith("\x1b[31mpvtop: the lake nowhere/ has no report")
    assert "\x1b" not in on_terminal(*args, NO_COLOR="1").raw
    assert "\x1b" not in on_terminal(*args, TERM="dumb").raw


def test_failure_has_no_colour_elsewhere(pvtop_in_process: Command) -> None:
    assert "\x1b" not in pvtop_in_process("show", "--output", "nowhere").stderr
