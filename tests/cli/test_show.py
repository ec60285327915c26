"""The command `show`."""

from __future__ import annotations

import gzip
import json
import random
import re
import subprocess

import pytest

from pvtop.core.hour import Hour
from support.samples import DATA, Command, WriteDump
from support.terminal import on_terminal

SOURCE = DATA / "source"
SAMPLE = ("report", "--source", SOURCE, "--blacklist", DATA / "blacklist", "--output", "lake")
HOUR = Hour.parse("2024-12-31T14")
AT = ("--date", "2024-12-31", "--hour", "14")


def test_show_prints_the_ranking_of_a_domain(pvtop_in_process: Command) -> None:
    pvtop_in_process(*SAMPLE, *AT)
    shown = pvtop_in_process("show", "--output", "lake", "--domain", "en", "-n", "3").stdout.splitlines()
    assert shown[0] == "2024-12-31 14:00 UTC, views from 13:00 to 14:00 UTC"
    assert shown[2] == "en  en.wikipedia.org  desktop"
    assert shown[3].split() == ["1", shown[3].split()[1], "█" * 20, "Main_Page"]
    assert len(shown) == 6


def test_show_defaults_to_the_newest_hour_and_the_most_viewed_domains(pvtop_in_process: Command) -> None:
    pvtop_in_process(*SAMPLE, *AT)
    pvtop_in_process(*SAMPLE, "--date", "2024-12-31", "--hour", "13")
    shown = pvtop_in_process("show", "--output", "lake").stdout
    assert shown.startswith("2024-12-31 14:00 UTC")
    assert shown.count("wikipedia.org") == 5
    assert pvtop_in_process("show", "--output", "lake", "--hour", "13").stdout.startswith("2024-12-31 13:00 UTC")


def test_show_as_json(pvtop_in_process: Command) -> None:
    pvtop_in_process(*SAMPLE, *AT)
    data = json.loads(
        pvtop_in_process("show", "--output", "lake", "--domain", '""', "--domain", "en", "-n", "2", "--json").stdout
    )
    assert data["hour"] == "2024-12-31T14"
    assert [domain["domain_code"] for domain in data["domains"]] == ["", "en"]
    assert [page["rank"] for page in data["domains"][1]["pages"]] == [1, 2]


def test_show_escapes_control_characters_and_markup(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    write_dump("en \x1b[31mRed\x1b[0m 5 0\nen [bold]:smile: 4 0\n")
    pvtop_in_process("report", "--source", "source", "--blacklist", "none", "--output", "lake")
    shown = pvtop_in_process("show", "--output", "lake").stdout
    assert r"\x1b[31mRed\x1b[0m" in shown
    assert "\x1b" not in shown
    assert "[bold]:smile:" in shown


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_show_draws_ascii_if_stdout_is_not_utf8(
    pvtop_in_process: Command, pvtop_process: Command, encoding: str
) -> None:
    pvtop_in_process(*SAMPLE, *AT)
    show = ("show", "--output", "lake", "--domain", "en", "-n", "2")
    shown = pvtop_process(*show, PYTHONIOENCODING=encoding).stdout
    first, second = shown.splitlines()[3:]
    assert (first.split()[2], second.split()[2]) == ("#" * 20, "##")
    assert len(first.partition("Main")[0]) == len(second.partition("Sydney")[0])
    assert shown.isascii()


@pytest.mark.parametrize(
    ("args", "when"),
    [
        ((), ""),
        (("--hour", "3"), " at hour 3"),
        (("--date", "2024-12-31"), " of 2024-12-31"),
        (AT, " of 2024-12-31 14:00 UTC"),
    ],
)
def test_show_exits_3_if_the_lake_does_not_have_the_hour(
    pvtop_in_process: Command, args: tuple[str, ...], when: str
) -> None:
    shown = pvtop_in_process("show", "--output", "lake", *args)
    assert (shown.returncode, shown.stdout) == (3, "")
    command = "pvtop report --date 2024-12-31 --hour 14" if args == AT else "pvtop report"
    advice = f"make it: {command}, or name another lake with --output"
    assert shown.stderr == f"pvtop: the lake lake/ has no report{when}\n  {advice}\n"


def test_show_names_other_domains_if_the_report_lacks_one(pvtop_in_process: Command) -> None:
    pvtop_in_process(*SAMPLE, *AT)
    unknown = pvtop_in_process("show", "--output", "lake", "--domain", "xx")
    assert unknown.returncode == 2
    assert "no domain 'xx'\n  it has, for example, 'en'" in unknown.stderr


def test_ranking_equals_that_of_awk_and_sort(pvtop_in_process: Command) -> None:
    pvtop_in_process("report", *AT, "--source", SOURCE, "--blacklist", "none", "--keep-unknown", "--output", "lake")
    data = json.loads(
        pvtop_in_process(
            "show", "--output", "lake", "--domain", "ru", "--domain", "commons.m", "-n", "25", "--json"
        ).stdout
    )
    for domain in data["domains"]:
        script = 'zcat < "$0" | awk -v c="$1" \'$1 == c {print $3, $2}\' | LC_ALL=C sort -k1,1nr -k2 | head -25'
        command = ["sh", "-c", script, str(SOURCE / HOUR.dump_path), domain["domain_code"]]
        counted = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
        assert [f"{page['views']} {page['page_title']}" for page in domain["pages"]] == counted.splitlines()


@pytest.mark.parametrize(
    ("code", "title"), [("en", "Reykjavík_of_a_test"), ("ja", "東京テスト"), ("de.m", "Plain_page")]
)
def test_page_with_raised_views_is_first(
    pvtop_in_process: Command, write_dump: WriteDump, code: str, title: str
) -> None:
    lines = gzip.decompress((SOURCE / HOUR.dump_path).read_bytes()) + f"{code} {title} 3 0\n".encode()
    write_dump(lines, HOUR)
    args = ("report", *AT, "--source", "source", "--blacklist", DATA / "blacklist", "--output", "lake")
    pvtop_in_process(*args)
    show = ("show", "--output", "lake", "--domain", code, "-n", "1", "--json")
    assert json.loads(pvtop_in_process(*show).stdout)["domains"][0]["pages"][0]["page_title"] != title
    most = random.Random(title).randint(1_000_000, 2_000_000)
    write_dump(lines.replace(f"{code} {title} 3 0".encode(), f"{code} {title} {most} 0".encode()), HOUR)
    pvtop_in_process(*args)
    assert json.loads(pvtop_in_process(*show).stdout)["domains"][0]["pages"][0] == {
        "rank": 1,
        "views": most,
        "page_title": title,
    }


def test_title_is_a_link_on_a_terminal_only(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    write_dump('en 東京_"100%"? 5 0\n"" Nowhere 4 0\n')
    pvtop_in_process("report", "--source", "source", "--blacklist", "none", "--output", "lake")
    shown = on_terminal("show", "--output", "lake", stdout=True)
    links = re.findall(r"\x1b]8;[^;]*;([^\x1b]+)\x1b", shown.raw)
    assert links == ["https://en.wikipedia.org/wiki/%E6%9D%B1%E4%BA%AC_%22100%25%22%3F"]
    assert "Nowhere" in shown.text
    assert "\x1b]8" not in pvtop_in_process("show", "--output", "lake", FORCE_COLOR="1").stdout


@pytest.mark.parametrize(("columns", "bar"), [(120, 20), (80, 20), (56, 12), (40, 0)])
def test_page_stays_on_one_line_of_a_terminal(
    pvtop_in_process: Command, write_dump: WriteDump, columns: int, bar: int
) -> None:
    write_dump(f"en {'Long' * 40} 5 0\nja {'東京' * 40} 5 0\n")
    pvtop_in_process("report", "--source", "source", "--blacklist", "none", "--output", "lake")
    lines = on_terminal("show", "--output", "lake", columns=columns, stdout=True).lines
    pages = [line for line in lines if line.startswith("   1 ")]
    assert len(pages) == 2
    assert all(line.endswith("…") and line.count("█") == bar for line in pages)
    assert len(pages[0]) == columns
    assert len(pages[1]) + pages[1].count("東") + pages[1].count("京") <= columns


def test_long_title_is_whole_in_a_pipe(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    write_dump(f"en {'Long' * 40} 5 0\n")
    pvtop_in_process("report", "--source", "source", "--blacklist", "none", "--output", "lake")
    assert "Long" * 40 in pvtop_in_process("show", "--output", "lake", COLUMNS="40").stdout
