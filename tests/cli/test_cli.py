"""The command as a user runs it: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import os
import pty
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pvtop.cli import ARENAS, limit_arenas
from pvtop.core.hour import Hour
from support.samples import DATA, Command, WriteDump
from support.server.behaviours import status
from support.server.files import File, Server

SOURCE = DATA / "source"
LISTED = ("--source", SOURCE, "--blacklist", DATA / "blacklist")
SAMPLE = ("report", *LISTED, "--output", "lake")
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


@pytest.mark.parametrize(
    ("found", "set_to"),
    [
        ("", ARENAS),
        ("dirty_decay_ms:500", f"dirty_decay_ms:500,{ARENAS}"),
        ("narenas:8", "narenas:8"),
    ],
)
def test_the_allocator_is_set_up_beside_what_is_set(found: str, set_to: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process below one that has loaded Polars finds what that has set."""
    monkeypatch.setenv("_RJEM_MALLOC_CONF", found)
    limit_arenas()
    assert os.environ["_RJEM_MALLOC_CONF"] == set_to


# Making a report.


def test_report_prints_what_it_made(pvtop: Command) -> None:
    done = pvtop(*SAMPLE, *AT)
    assert done.returncode == 0, done.stderr
    first, *written = done.stdout.splitlines()
    assert first.startswith("2024-12-31 14:00 UTC: ")
    assert first.endswith(" (written)")
    assert written == [
        "lake/text/2024/2024-12/top_pages-20241231-140000.txt",
        "lake/top_pages/date=2024-12-31/hour=14/top_pages.parquet",
        "lake/domains/date=2024-12-31/hour=14/domains.parquet",
    ]
    assert all(Path(path).is_file() for path in written)
    assert done.stderr == ""


def test_report_says_when_there_is_nothing_to_do(pvtop: Command) -> None:
    pvtop(*SAMPLE, *AT)
    again = pvtop(*SAMPLE, *AT)
    assert again.returncode == 0
    assert "(unchanged)" in again.stdout
    assert "(written)" in pvtop(*SAMPLE, *AT, "--force").stdout


def test_report_as_json(pvtop: Command) -> None:
    data = json.loads(pvtop(*SAMPLE, *AT, "--json").stdout)
    assert (data["hour"], data["state"]) == ("2024-12-31T14", "made")
    assert data["provenance"]["rows"] > 1_000
    assert Path(data["files"]["text"]).is_file()


def test_report_of_the_newest_hour(pvtop: Command) -> None:
    assert pvtop(*SAMPLE).stdout.startswith("2025-01-01 01:00 UTC")
    assert pvtop(*SAMPLE, "--date", "2016-02-29").stdout.startswith("2016-02-29 02:00 UTC")
    assert pvtop(*SAMPLE, "--hour", "23").stdout.startswith("2024-12-31 23:00 UTC")


def test_a_web_server_gives_what_the_folder_gives(pvtop: Command, web_server: str) -> None:
    pvtop(*SAMPLE, *AT)
    online = pvtop("report", *AT, "--source", web_server, "--blacklist", DATA / "blacklist", "--output", "online")
    assert online.returncode == 0, online.stderr
    text = "text/2024/2024-12/top_pages-20241231-140000.txt"
    assert Path("online", text).read_bytes() == Path("lake", text).read_bytes()


def test_the_newest_hour_of_a_web_server(pvtop: Command, web_server: str) -> None:
    online = pvtop("report", "--source", web_server, "--blacklist", "none")
    assert online.stdout.startswith("2025-01-01 01:00 UTC"), online.stderr


def test_settings_from_environment_and_file(pvtop: Command) -> None:
    Path("pvtop.toml").write_text(f'source = "{SOURCE}"\nblacklist = "none"\noutput = "from-file"\ntop = 3\n')
    assert pvtop("report", *AT).stdout.splitlines()[1].startswith("from-file/text/")
    assert pvtop("report", *AT, PVTOP_OUTPUT="from-env").stdout.splitlines()[1].startswith("from-env/text/")
    assert pvtop("report", *AT, "--output", "flag", PVTOP_OUTPUT="from-env").stdout.splitlines()[1].startswith("flag/")
    assert (
        Path("flag/text/2024/2024-12/top_pages-20241231-140000.txt").read_text().startswith("Top 3 pages per domain\n")
    )


def test_quiet_prints_nothing(pvtop: Command) -> None:
    done = pvtop(*SAMPLE, "--date", "2016-02-29", "--hour", "0", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_malformed_lines_are_logged(pvtop: Command) -> None:
    done = pvtop(*SAMPLE, "--date", "2016-02-29", "--hour", "0")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: ")
    assert " malformed lines, such as " in done.stderr


def test_a_progress_bar_on_a_terminal_only(server: Server) -> None:
    server.files[PATH] = File((SOURCE / HOUR.dump_path).read_bytes())
    command = [
        str(Path(sys.executable).with_name("pvtop")),
        "report",
        *AT,
        "--source",
        server.url,
        "--blacklist",
        "none",
    ]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env=os.environ | {"TERM": "xterm"}
    ) as process:
        os.close(theirs)
        seen = b"".join(iter(lambda: _read(ours), b""))
    assert process.returncode == 0
    assert "2024-12-31 14:00 UTC" in seen.decode()
    assert "━" in seen.decode()
    quiet = subprocess.run([*command, "--refresh-dump"], capture_output=True, check=True)
    assert "━" not in quiet.stderr.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed
        return b""


# Showing one.


def test_show(pvtop: Command) -> None:
    pvtop(*SAMPLE, *AT)
    shown = pvtop("show", "--output", "lake", "--domain", "en", "-n", "3").stdout.splitlines()
    assert shown[0] == "2024-12-31 14:00 UTC, views from 13:00 to 14:00 UTC"
    assert shown[2] == "en  en.wikipedia.org  desktop"
    assert shown[3].split() == ["1", shown[3].split()[1], "█" * 20, "Main_Page"]
    assert len(shown) == 6


def test_show_takes_the_newest_hour_and_the_largest_domains(pvtop: Command) -> None:
    pvtop(*SAMPLE, *AT)
    pvtop(*SAMPLE, "--date", "2024-12-31", "--hour", "13")
    shown = pvtop("show", "--output", "lake").stdout
    assert shown.startswith("2024-12-31 14:00 UTC")
    assert shown.count("wikipedia.org") == 5
    assert pvtop("show", "--output", "lake", "--hour", "13").stdout.startswith("2024-12-31 13:00 UTC")


def test_show_as_json(pvtop: Command) -> None:
    pvtop(*SAMPLE, *AT)
    data = json.loads(pvtop("show", "--output", "lake", "--domain", '""', "--domain", "en", "-n", "2", "--json").stdout)
    assert data["hour"] == "2024-12-31T14"
    assert [domain["domain_code"] for domain in data["domains"]] == ["", "en"]
    assert [page["rank"] for page in data["domains"][1]["pages"]] == [1, 2]


def test_show_escapes_what_a_terminal_would_obey(pvtop: Command, write_dump: WriteDump) -> None:
    write_dump("en \x1b[31mRed\x1b[0m 5 0\nen [bold]:smile: 4 0\n")
    pvtop("report", "--source", "source", "--blacklist", "none", "--output", "lake")
    shown = pvtop("show", "--output", "lake").stdout
    assert r"\x1b[31mRed\x1b[0m" in shown
    assert "\x1b" not in shown
    assert "[bold]:smile:" in shown


def test_show_of_what_is_not_there(pvtop: Command) -> None:
    nothing = pvtop("show", "--output", "lake")
    assert nothing.returncode == 1
    assert "holds no report" in nothing.stderr
    pvtop(*SAMPLE, *AT)
    unknown = pvtop("show", "--output", "lake", "--domain", "xx")
    assert unknown.returncode == 2
    assert "no domain 'xx'" in unknown.stderr


# The blacklist and the cache.


def test_blacklist_info(pvtop: Command) -> None:
    data = json.loads(pvtop("blacklist", "info", "--blacklist", DATA / "blacklist", "--json").stdout)
    assert data["address"] == str(DATA / "blacklist")
    assert len(data["sha256"]) == 64
    assert data["spellings"] > data["domains"] > 1
    assert "sha256" in pvtop("blacklist", "info", "--blacklist", DATA / "blacklist").stdout
    assert json.loads(pvtop("blacklist", "info", "--blacklist", "none", "--json").stdout)["spellings"] == 0


def test_blacklist_refresh(pvtop: Command, server: Server) -> None:
    server.files["/blacklist"] = File(b"en A\n")
    address = ("--blacklist", f"{server.url}/blacklist", "--json")
    first = json.loads(pvtop("blacklist", "info", *address).stdout)["sha256"]
    server.files["/blacklist"] = File(b"en B\n")
    assert json.loads(pvtop("blacklist", "info", *address).stdout)["sha256"] == first
    assert json.loads(pvtop("blacklist", "refresh", *address).stdout)["sha256"] != first


def test_the_cache(pvtop: Command, server: Server) -> None:
    hours = [HOUR, HOUR + 1]
    for hour in hours:
        server.files[f"/{hour.dump_path}"] = File((SOURCE / hour.dump_path).read_bytes())
        date, time = f"{hour.stamp:%Y-%m-%d}", hour.stamp.hour
        pvtop("report", "--date", date, "--hour", time, "--source", server.url, "--blacklist", "none")
    folder = Path(pvtop("cache", "dir").stdout.strip())
    assert [dump["hour"] for dump in json.loads(pvtop("cache", "ls", "--json").stdout)] == [hour.iso for hour in hours]
    assert pvtop("cache", "ls").stdout.splitlines()[-1].startswith("2 dumps, ")
    assert pvtop("cache", "verify").stdout == "2 dumps, 0 broken\n"

    (folder / HOUR.dump_path).write_bytes(b"\x1f\x8bjunk")
    broken = pvtop("cache", "verify")
    assert broken.returncode == 1
    assert "1 of 2 cached dumps are broken" in broken.stderr
    assert "pvtop cache prune --max-size 0 " in broken.stderr

    assert pvtop("cache", "prune").returncode == 2
    assert "2 dumps" in pvtop("cache", "prune", "--max-size", "0", "--dry-run").stdout
    refused = pvtop("cache", "prune", "--max-size", "0")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert "0 dumps" in pvtop("cache", "prune", "--older-than", "1h", "--yes").stdout
    assert "2 dumps" in pvtop("cache", "prune", "--max-size", "5", "--yes").stdout
    assert [path for path in folder.rglob("*") if path.is_file()] == []


# How it fails.


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--date", "2019-02-30", "--hour", "1"), 2, "2019-02-30 does not exist"),
        (("--date", "yesterday", "--hour", "1"), 2, "'yesterday' is not a date"),
        (("--date", "2024-12-31", "--hour", "24"), 2, "hour 24 does not exist"),
        (("--date", "2015-05-01", "--hour", "0"), 2, "before the first dump"),
        (("--date", "2024-12-30", "--hour", "5"), 3, "is not published"),
        (("--date", "2024-12-30"), 3, "has no dump of 2024-12-30"),
        (("--top", "0"), 2, "top: "),
        (("--contact", "a\nb"), 2, "contact: "),
        (("--source", "nowhere"), 1, "the source nowhere is not a folder"),
        (("--source", "http://"), 2, "source: "),
        (("--source", "http://127.0.0.1:1/"), 1, "connection failed"),
        (("--source", "nonsense://bucket"), 1, "nonsense://bucket"),
        (("--output", "/dev/null/lake"), 1, "cannot write the lake /dev/null/lake"),
        (("--output", "nonsense://bucket"), 1, "nonsense://bucket"),
        (("--blacklist", "nowhere"), 1, "cannot read the blacklist nowhere"),
        (("--blacklist", "http://127.0.0.1:1/list"), 1, "cannot download the blacklist"),
    ],
)
def test_bad_input(pvtop: Command, args: tuple[str, ...], code: int, message: str) -> None:
    done = pvtop(*SAMPLE, *args, PVTOP_ATTEMPTS="1")
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith(("pvtop: ", "  "))]
    assert message in lines[0]
    assert len(lines) <= 2
    assert "Traceback" not in done.stderr
    assert not [path for path in Path().rglob("*") if path.is_file()]


def test_wrong_options_are_wrong_usage(pvtop: Command) -> None:
    assert pvtop("report", "--nonsense").returncode == 2
    assert pvtop("nonsense").returncode == 2
    assert pvtop("report", "--hour", "noon").returncode == 2


def test_a_wrong_configuration_file(pvtop: Command) -> None:
    Path("pvtop.toml").write_text("tpo = 3\n")
    done = pvtop("report")
    assert done.returncode == 2
    assert "tpo" in done.stderr


def test_a_truncated_dump(pvtop: Command, write_dump: WriteDump) -> None:
    path = write_dump("".join(f"en T{i} 1 0\n" for i in range(999)))
    path.write_bytes(path.read_bytes()[:-20])
    done = pvtop("report", "--source", "source", "--blacklist", "none", "--output", "lake")
    assert done.returncode == 1
    assert "is truncated" in done.stderr
    assert not [found for found in Path("lake").rglob("*") if found.is_file()]


def test_too_many_malformed_lines(pvtop: Command, write_dump: WriteDump) -> None:
    write_dump("en A 1 0\nen\n")
    done = pvtop("report", "--source", "source", "--blacklist", "none")
    assert done.returncode == 5
    assert "1 of 2 lines" in done.stderr
    assert pvtop("report", "--source", "source", "--blacklist", "none", PVTOP_MALFORMED_LIMIT="0.5").returncode == 0


def test_forbidden_says_to_set_a_contact(pvtop: Command, server: Server) -> None:
    server.script[PATH] = [status(403)]
    done = pvtop("report", *AT, "--source", server.url, "--blacklist", "none")
    assert done.returncode == 1
    assert "give your e-mail address (--contact)" in done.stderr


def test_not_published_by_a_server(pvtop: Command, server: Server) -> None:
    done = pvtop("report", *AT, "--source", server.url, "--blacklist", "none")
    assert done.returncode == 3
    assert "is not published" in done.stderr


def test_a_traceback_only_when_asked(pvtop: Command) -> None:
    assert "Traceback" not in pvtop("report", "--source", "nowhere").stderr
    assert "Traceback" in pvtop("report", "--source", "nowhere", "--verbose").stderr


def test_every_command_has_help_with_an_example(pvtop: Command) -> None:
    for command in (
        ["report"],
        ["show"],
        ["validate"],
        ["blacklist", "info"],
        ["blacklist", "refresh"],
        *(["cache", it] for it in ("dir", "ls", "verify", "prune")),
    ):
        shown = pvtop(*command, "--help").stdout
        assert f"pvtop {' '.join(command)}" in shown.replace("Usage: pvtop", ""), command
    assert pvtop("--version").stdout.startswith("pvtop ")


# What a careful user checks.


def test_a_domain_at_random_agrees_with_other_tools(pvtop: Command) -> None:
    pvtop("report", *AT, "--source", SOURCE, "--blacklist", "none", "--keep-unknown", "--output", "lake")
    data = json.loads(
        pvtop("show", "--output", "lake", "--domain", "ru", "--domain", "commons.m", "-n", "25", "--json").stdout
    )
    for domain in data["domains"]:
        script = 'zcat < "$0" | awk -v c="$1" \'$1 == c {print $3, $2}\' | LC_ALL=C sort -k1,1nr -k2 | head -25'
        command = ["sh", "-c", script, str(SOURCE / HOUR.dump_path), domain["domain_code"]]
        counted = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
        assert [f"{page['views']} {page['page_title']}" for page in domain["pages"]] == counted.splitlines()


@pytest.mark.parametrize(
    ("code", "title"), [("en", "Reykjavík_of_a_test"), ("ja", "東京テスト"), ("de.m", "Plain_page")]
)
def test_a_page_whose_count_is_raised_wins(pvtop: Command, write_dump: WriteDump, code: str, title: str) -> None:
    import gzip

    lines = gzip.decompress((SOURCE / HOUR.dump_path).read_bytes()) + f"{code} {title} 3 0\n".encode()
    write_dump(lines, HOUR)
    args = ("report", *AT, "--source", "source", "--blacklist", DATA / "blacklist", "--output", "lake")
    pvtop(*args)
    show = ("show", "--output", "lake", "--domain", code, "-n", "1", "--json")
    assert json.loads(pvtop(*show).stdout)["domains"][0]["pages"][0]["page_title"] != title
    most = random.Random(title).randint(1_000_000, 2_000_000)
    write_dump(lines.replace(f"{code} {title} 3 0".encode(), f"{code} {title} {most} 0".encode()), HOUR)
    pvtop(*args)
    assert json.loads(pvtop(*show).stdout)["domains"][0]["pages"][0] == {"rank": 1, "views": most, "page_title": title}
