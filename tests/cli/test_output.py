"""The result of a command on stdout."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from pvtop.cli.output import ASCII_BLOCKS, drawn_blocks
from pvtop.core.sparkline import BLOCKS
from support.samples import DATA, DAY, Command, WriteDump, serve
from support.server.files import Server

LAKE = ("--output", "lake")


def rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_of_a_ranking_can_be_read_back(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    titles = ["a,b", '"quoted"_and_"more"', "=SUM(A1)", "東京", "semi;colon"]
    write_dump("".join(f"en {title} {9 - i} 0\n" for i, title in enumerate(titles)))
    pvtop_in_process("report", "--source", "source", "--blacklist", "none", *LAKE)
    found = rows(pvtop_in_process("show", *LAKE, "--csv").stdout)
    assert [row["page_title"] for row in found] == titles
    assert found[0] | {"page_title": ""} == {
        "hour": "2024-08-03T06", "domain_code": "en", "rank": "1", "page_title": "", "views": "9"
    }  # fmt: skip


def test_csv_escapes_control_characters(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    write_dump("en \x1b[31mRed\u202e 5 0\n")
    pvtop_in_process("report", "--source", "source", "--blacklist", "none", *LAKE)
    assert rows(pvtop_in_process("show", *LAKE, "--csv").stdout)[0]["page_title"] == r"\x1b[31mRed\u202e"


def test_csv_is_utf_8_whatever_the_terminal_speaks(pvtop_process: Command, write_dump: WriteDump) -> None:
    write_dump("ja 東京 5 0\n")
    pvtop_process("report", "--source", "source", "--blacklist", "none", *LAKE)
    assert "東京" in pvtop_process("show", *LAKE, "--csv", PYTHONIOENCODING="latin-1").stdout


def test_csv_of_each_table_has_a_header(pvtop_in_process: Command, server: Server) -> None:
    settings = serve(server, DAY[:2])
    source, hours = ("--source", settings.source), ("--start", DAY[0].iso, "--end", DAY[2].iso)
    pvtop_in_process("batch", *source, "--blacklist", "none", *LAKE, "--last", "2")
    status = rows(pvtop_in_process("status", *source, *LAKE, *hours, "--csv").stdout)
    assert [row["state"] for row in status] == ["made", "made", "not_published"]
    validated = rows(pvtop_in_process("validate", *LAKE, *hours, "--csv").stdout)
    assert [(row["hour"], row["result"]) for row in validated] == [
        (DAY[0].iso, "valid"), (DAY[1].iso, "valid"), (DAY[2].iso, "missing"),
    ]  # fmt: skip
    cached = rows(pvtop_in_process("cache", "ls", "--csv").stdout)
    assert [int(row["bytes"]) for row in cached] == [Path(row["path"]).stat().st_size for row in cached]
    assert [row["hour"] for row in cached] == [hour.iso for hour in DAY[:2]]


def test_csv_of_a_broken_report_names_the_rules(pvtop_in_process: Command) -> None:
    pvtop_in_process("report", "--source", DATA / "source", "--blacklist", "none", *LAKE)
    for path in Path("lake/text").rglob("*.txt"):
        path.write_text("other")
    done = pvtop_in_process("validate", *LAKE, "--csv")
    (row,) = rows(done.stdout)
    assert (done.returncode, row["result"]) == (5, "not valid")
    assert row["broken_rules"]


@pytest.mark.parametrize("command", ["show", "status", "domains", "validate", "cache ls"])
def test_json_and_csv_together_are_wrong_usage(pvtop_in_process: Command, command: str) -> None:
    done = pvtop_in_process(*command.split(), "--json", "--csv")
    assert done.returncode == 2
    assert "pvtop: --json cannot be combined with --csv\n" in done.stderr


@pytest.mark.parametrize(("encoding", "blocks"), [("utf-8", BLOCKS), ("ascii", ASCII_BLOCKS)])
def test_sparkline_has_blocks_that_stdout_can_show(encoding: str, blocks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    assert drawn_blocks(range(8), 80) == blocks
