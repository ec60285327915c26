"""Completion in the shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.samples import DATA, Command

REPORT = ("report", "--date", "2024-12-31", "--source", DATA / "source", "--blacklist", "none", "--output", "lake")


def complete(pvtop: Command, line: str) -> list[str]:
    """Return what bash offers for the last word of a line."""
    done = pvtop(_PVTOP_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(line.count(" ")))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_commands_options_and_choices_are_completed(pvtop_in_process: Command) -> None:
    assert complete(pvtop_in_process, "pvtop re") == ["report"]
    assert "--cache-dir" in complete(pvtop_in_process, "pvtop batch --c")
    assert complete(pvtop_in_process, "pvtop report --log-format ") == ["text", "json"]


def test_domains_of_the_report_are_completed(pvtop_in_process: Command) -> None:
    pvtop_in_process(*REPORT, "--hour", "14")
    found = complete(pvtop_in_process, "pvtop show --output lake --domain e")
    assert found[0] == "en"
    assert {"en.m", "es"} < set(found)
    assert all(code.startswith("e") for code in found)
    assert complete(pvtop_in_process, "pvtop show --output lake --hour 14 --domain e") == found
    assert complete(pvtop_in_process, "pvtop show --output lake --hour 13 --domain e") == []


@pytest.mark.parametrize("line", ["--output lake", "--output http://[", "--date never", "--output file"])
def test_nothing_is_completed_without_a_report(pvtop_in_process: Command, line: str) -> None:
    Path("file").touch()
    assert complete(pvtop_in_process, f"pvtop show {line} --domain e") == []


def test_nothing_is_completed_from_a_damaged_report(pvtop_in_process: Command) -> None:
    pvtop_in_process(*REPORT, "--hour", "14")
    for file in Path("lake").rglob("*.parquet"):
        file.write_bytes(b"junk")
    assert complete(pvtop_in_process, "pvtop show --output lake --domain e") == []
