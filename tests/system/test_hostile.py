"""Content, files, addresses and surroundings that mean harm, as a user's command meets them."""

from __future__ import annotations

import ast
import gzip
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from pvtop.cli import main
from pvtop.cli.output import Output
from pvtop.lake.layout import text_path, top_pages_path
from pvtop.settings import Settings
from support.samples import HOUR, Command, WriteDump
from support.server.behaviours import html, status
from support.server.files import File, Server

ROOT = Path(__file__).parents[2]
AT = ("--date", "2024-08-03", "--hour", "6")
LOCAL = ("report", "--source", "source", "--blacklist", "none", "--output", "lake")
PATH = f"/{HOUR.dump_path}"
DUMP = gzip.compress(b"en A 5 0\nen B 7 0\nde C 1 0\n", mtime=0)
PVTOP = str(Path(sys.executable).with_name("pvtop"))

# Titles.

SHOWN_AS = {
    "\x1b[2J\x1b]0;owned\x07": r"\x1b[2J\x1b]0;owned\x07",
    "\x9b31m\x90q\x9c": r"\x9b31m\x90q\x9c",
    "a\rb\tc\x08\x7f": r"a\x0db\x09c\x08\x7f",
    "nul\0nul": r"nul\x00nul",
    "invoice\u202efdp.exe": r"invoice\u202efdp.exe",
    "\u2066a\u2069\u200fb\u200e\u061c": r"\u2066a\u2069\u200fb\u200e\u061c",
    "line\u2028para\u2029next\x85": r"line\u2028para\u2029next\x85",
    "<script>alert(1)</script><img/src=x>": "<script>alert(1)</script><img/src=x>",
    "[red]&lt;&amp;:smile:[/red]": "[red]&lt;&amp;:smile:[/red]",
    "=cmd|'/C_calc'!A0": "=cmd|'/C_calc'!A0",
    "@SUM(1+1)*cmd": "@SUM(1+1)*cmd",
    "../../etc/passwd": "../../etc/passwd",
    "%s%n{0}{}$(id)`id`;id": "%s%n{0}{}$(id)`id`;id",
}
UNSAFE = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def hostile(write_dump: WriteDump) -> None:
    """Write a dump with every hostile title, the first of them on top; and one with 10 MB in a line."""
    lines = [f"en {title} {len(SHOWN_AS) - i} 0\n" for i, title in enumerate(SHOWN_AS)]
    write_dump("".join([*lines, f"en.m {'x' * 10_000_000} 1 0\n"]))


def test_long_texts_are_shortened_in_messages(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    long = "x" * 1_000_000
    write_dump(f"en {long} 5 0\n" * 2 + f"{long} A 9 0\n")
    twice = pvtop_in_process(*LOCAL, *AT)
    assert (twice.returncode, len(twice.stderr.splitlines())) == (5, 2)
    assert "no page occurs twice (found domain_code 'en', rank 1, page_title 'xxx" in twice.stderr
    assert "xxx... (1,000,000 characters)'" in twice.stderr
    pvtop_in_process("batch", *LOCAL[1:], "--start", "2024-08-03T06", "--end", "2024-08-03T06")
    (note,) = [path.read_text() for path in Path("lake/failures").rglob("*.json")]
    assert pvtop_in_process(*LOCAL, *AT, "--no-validate").returncode == 0
    checked = pvtop_in_process("validate", *LOCAL[-2:], "--source", "source", "--against-dump")
    unknown = pvtop_in_process("show", *LOCAL[-2:], "--domain", long[:100_000])
    assert (checked.returncode, unknown.returncode) == (5, 2)
    assert max(map(len, [twice.stderr, checked.stderr, checked.stdout, unknown.stderr, note])) < 5_000


@pytest.mark.usefixtures("hostile")
def test_lake_keeps_titles_unescaped(pvtop_in_process: Command) -> None:
    assert pvtop_in_process(*LOCAL).returncode == 0
    top_pages = pl.read_parquet(Path("lake", top_pages_path(HOUR)))
    assert top_pages.filter(domain_code="en").get_column("page_title").to_list() == list(SHOWN_AS)


@pytest.mark.usefixtures("hostile")
def test_output_for_people_is_escaped(pvtop_in_process: Command) -> None:
    pvtop_in_process(*LOCAL)
    for text in (
        Path("lake", text_path(HOUR)).read_text(),
        pvtop_in_process("show", "--output", "lake", "--domain", "en", "-n", "25").stdout,
    ):
        assert not UNSAFE.search(text)
        titles = [line[17:] if "█" not in line else line[39:] for line in text.split("\n")]
        assert [shown for shown in SHOWN_AS.values() if not any(title.endswith(shown) for title in titles)] == []


@pytest.mark.usefixtures("hostile")
def test_json_escapes_control_characters_without_loss(pvtop_in_process: Command) -> None:
    pvtop_in_process(*LOCAL)
    printed = pvtop_in_process("show", "--output", "lake", "--domain", "en", "-n", "25", "--json").stdout
    assert not UNSAFE.search(printed)
    pages = json.loads(printed)["domains"][0]["pages"]
    assert [page["page_title"] for page in pages] == list(SHOWN_AS)


def test_messages_are_escaped(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    write_dump("en\x1b[2J\u202e\n" * 9)
    for log in ("text", "json"):
        done = pvtop_in_process("batch", *LOCAL[1:], "--start", HOUR.iso, "--end", HOUR.iso, "--log-format", log, "-v")
        assert done.returncode == 4
        assert "x1b[2J" in done.stderr
        assert not UNSAFE.search(done.stdout + done.stderr)
    named = pvtop_in_process("report", "--source", "no\x1b[2J\u202ewhere")
    assert r"the source no\x1b[2J\u202ewhere" in named.stderr


# The blacklist.


@pytest.mark.parametrize(
    "content",
    [
        os.urandom(9) + bytes(range(256)) * 99,
        "en A\nen B\n".encode("utf-16"),
        b"<!DOCTYPE html>\n<html>\n <head>\n  <title>Sign in</title>\n </head>\n</html>\n",
        b"x" * 10_000_000,
        b"{\n" + b'  "a": 1,\n' * 99 + b"}\n",
    ],
    ids=["bytes", "UTF-16", "a web page", "a huge line", "JSON"],
)
def test_file_that_is_not_a_blacklist_stops_the_run(
    pvtop_in_process: Command, write_dump: WriteDump, content: bytes
) -> None:
    write_dump("en A 1 0\n")
    Path("list").write_bytes(content)
    done = pvtop_in_process("report", "--source", "source", "--blacklist", "list", "--output", "lake")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pvtop: list is not a blacklist: ")
    assert len(done.stderr) < 500
    assert not Path("lake", top_pages_path(HOUR)).exists()


@pytest.mark.parametrize(
    ("pages", "entry", "warned"), [(10**6, "en A", True), (10**6, "en 8", False), (9, "en A", False)]
)
def test_blacklist_that_excludes_nothing_is_warned_about(
    pvtop_in_process: Command, write_dump: WriteDump, pages: int, entry: str, warned: bool
) -> None:
    write_dump("".join(f"en {title} 1 0\n" for title in range(pages)))
    Path("list").write_text(f"{entry}\n")
    done = pvtop_in_process("report", "--source", "source", "--blacklist", "list", "--output", "lake")
    assert done.returncode == 0
    assert ("list excludes no page of " in done.stderr) is warned


# Sources.

LISTING = "".join(
    f'<a href="{name}">x</a>    03-Aug-2024 07:51    9\n'
    for name in (
        "../../../../outside", "..%2f..%2foutside", "%2e%2e%2foutside", "/etc/passwd", "//example.org/outside",
        "file:///etc/passwd", "javascript:alert(1)", "C:\\outside", "\0", "x" * 400,
        "pageviews-20240803-060000.gz/../outside", "pageviews-20240803-060000.gz%00", "pageviews-99999999-990000.gz",
        "pageviews-20240803-060000.gz.exe", "pageviews-٢٠٢٤٠٨٠٣-060000.gz",
    )
)  # fmt: skip
ADDRESSES = ("", "/a/../..", "/%2e%2e/%2E%2E", "/..%2f..", "/..;/..", "//", "/a%00b", "/a b\\..\\..")


def files() -> set[Path]:
    return {path for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "content", [LISTING.encode(), os.urandom(99_999), b"<a href=" * 30_000], ids=["paths", "bytes", "markup"]
)
def test_listings_cannot_lead_to_other_addresses(pvtop_in_process: Command, server: Server, content: bytes) -> None:
    good = b'<a href="2024/">2024/</a>\n<a href="2024-08/">2024-08/</a>\n<a href="pageviews-20240803-060000.gz">x</a>\n'
    server.files = {path: File(content + b"\n" + good) for path in ("/", "/2024/", "/2024/2024-08/")}
    server.files[PATH] = File(DUMP)
    done = pvtop_in_process("batch", "--last", "5", "--source", server.url, "--blacklist", "none", "--output", "lake")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 hour: 1 made\n"
    dump = f"cache/{HOUR.dump_path}"
    assert {str(path) for path in files()} == {
        dump, f"{dump}.json", f"lake/{text_path(HOUR)}", f"lake/{top_pages_path(HOUR)}",
        f"lake/domains/{HOUR.partition}/domains.parquet",
    }  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_redirects_cannot_lead_to_files(pvtop_in_process: Command, server: Server, address: str) -> None:
    for root in ("", "/", "/../..", "/..;/..", "//", "/a\0b", "/a b\\..\\.."):
        server.files |= {f"{root}{PATH}": File(DUMP), f"{root}/{PATH}": File(DUMP), f"{root}/list": File(b"en A\n")}
    done = pvtop_in_process(
        "report",
        *AT,
        "--source",
        server.url + address,
        "--blacklist",
        f"{server.url}{address}/list",
        "--output",
        "lake",
    )
    assert done.returncode in {0, 1, 3}, done.stderr
    assert "Traceback" not in done.stderr
    cached = {str(path.relative_to("cache")) for path in files() if path.is_relative_to("cache")}
    assert all(
        re.fullmatch(rf"{re.escape(HOUR.dump_path)}(\.json)?|blacklists/[0-9a-f]{{16}}\.(txt(\.json)?|parsed)", it)
        for it in cached
    )
    assert {path.parts[0] for path in files()} <= {"cache", "lake"}


# Secrets.

SECRET = "h0neyp0t"  # noqa: S105 - none of anybody's
QUERY = f"?token={SECRET}&X-Amz-Credential={SECRET}%2F20240803&X-Amz-Signature={SECRET}"


def secret(url: str) -> str:
    """Return an address with a secret before the host."""
    return url.replace("://", f"://user:{SECRET}@")


def commands(server: Server) -> Iterator[Sequence[str]]:
    """Return every command with secrets in all its addresses. Some commands succeed, some fail."""
    source, blacklist = secret(server.url), secret(f"{server.url}/list") + QUERY
    gone = secret("http://127.0.0.1:1")
    bucket = f"s3://key:{SECRET}/{SECRET}@bucket/lake"
    work = ("--source", source, "--blacklist", blacklist, "--output", "lake")
    yield ("report", *AT, *work)
    yield ("report", *work, "--check-source", "--json")
    yield ("report", *AT, *work, "--force", "--refresh-dump", "--refresh-blacklist")
    yield ("report", "--date", "2024-08-02", "--hour", "1", *work)
    yield ("batch", "--last", "2", *work, "--dry-run")
    yield ("batch", "--start", "2024-08-03", *work, "--log-format", "json")
    yield ("batch", "--last", "2", *work, "--force", "--refresh-dump", "--json")
    yield ("status", "--start", "2024-08-03", "--source", source, "--output", "lake")
    yield ("status", "--start", "2024-08-03", "--source", gone, "--output", "lake")
    yield ("blacklist", "info", "--blacklist", blacklist)
    yield ("blacklist", "refresh", "--blacklist", blacklist, "--json")
    yield ("blacklist", "refresh", "--blacklist", secret(f"{server.url}/missing") + QUERY)
    yield ("blacklist", "refresh", "--blacklist", secret(f"{server.url}/{HOUR.dump_path}") + QUERY)
    yield ("blacklist", "refresh", "--blacklist", secret(f"{server.url}/loop") + QUERY)
    yield ("show", "--output", "lake")
    yield ("cache", "ls")
    yield ("cache", "verify")
    for place in (
        gone,
        f"{server.url}/{QUERY}",
        bucket,
        f"simplecache::{gone}/{QUERY}",
        f"nonsense://user:{SECRET}@host/lake",
        f"http://user:{SECRET}@/",
        f"https:/user:{SECRET}@host/lake",
        f"https//user:{SECRET}@host/lake",
        f"https:///user:{SECRET}@host/lake",
        f"user:{SECRET}@host/lake",
        f"host/lake{QUERY}",
        f"http://user:correct {SECRET}@{server.url.removeprefix('http://')}",
        f"https://u%3A{SECRET}@host/lake",
        f"//user:{SECRET}@host/lake",
        f"{server.url}/a;token={SECRET}",
    ):
        yield ("report", place)
        yield (place,)
        yield ("report", "--date", place)
        yield ("report", "--hour", place)
        yield ("batch", "--hours", place)
        yield ("report", *AT, "--source", source, "--blacklist", "none", "--cache-dir", place)
        yield ("cache", "prune", "--max-size", place)
        yield ("report", *AT, "--source", place, "--blacklist", "none")
        yield ("report", *AT, "--source", source, "--blacklist", place)
        yield ("report", *AT, "--source", source, "--blacklist", "none", "--output", place)
        yield ("show", "--output", place)
        yield ("status", "--start", "2024-08-03", "--source", source, "--output", place)
        yield ("batch", "--start", "2024-08-03T06", "--source", place, "--blacklist", "none", "--output", "lake2")
    yield ("cache", "prune", "--max-size", "0", "--yes")


def test_secrets_are_in_no_output_and_no_file(
    server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ("2024/", "2024-08/", Path(PATH).name, Path((HOUR + 1).dump_path).name)
    listed = "".join(f'<a href="{name}">x</a>\n' for name in names)
    server.files = {path: File(listed.encode()) for path in ("/", "/2024/", "/2024/2024-08/")}
    server.files |= {PATH: File(DUMP), "/list": File(b"en A\n")}
    for path in ("/2024/2024-08/", PATH, "/list"):
        server.script[path] = [status(503), html if path == PATH else status(500)]
    for path in ("/loop", f"/{(HOUR + 1).dump_path}"):
        server.script[path] = [status(302, Location=f"/loop{QUERY}")] * 99
    monkeypatch.setenv("PVTOP_ATTEMPTS", "3")
    codes = set()
    for args in commands(server):
        monkeypatch.setattr(sys, "argv", ["pvtop", *args, *(() if args[0] == "cache" else ("-v",))])
        with pytest.raises(SystemExit) as ended:
            main()
        codes.add(ended.value.code)
        printed = capfd.readouterr()
        assert SECRET not in printed.out + printed.err, args
        assert "internal error" not in printed.err, args
    assert codes == {0, 1, 2, 3, 4}
    assert Path("lake", top_pages_path(HOUR)).is_file()
    assert [path for path in files() if SECRET.encode() in path.read_bytes()] == []
    assert [path for path in Path().rglob("*") if SECRET in str(path)] == []


@pytest.mark.parametrize(
    ("proxy", "config", "code"),
    [
        (f"user:{SECRET}@127.0.0.1:1", "", 1),
        (f"http://user:{SECRET}@127.0.0.1:1", "", 1),
        ("", f'"https://user:{SECRET}@host/" = 1', 2),
        ("", f'source = "https:/user:{SECRET}@host/"', 2),
        ("", f'a = 1\n"user:{SECRET}@host".a = 1\n"user:{SECRET}@host" = 2', 2),
    ],
)
def test_secrets_in_the_environment_are_not_shown(
    pvtop_in_process: Command, proxy: str, config: str, code: int
) -> None:
    Path("pvtop.toml").write_text(config)
    places = ("--blacklist", "none", "--output", "lake", *(("--source", "http://example.org") if proxy else ()))
    done = pvtop_in_process("report", *AT, *places, "-v", HTTP_PROXY=proxy, PVTOP_ATTEMPTS="1")
    assert done.returncode == code, done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_wrong_usage_is_explained(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("report", "\x1b[2Jelse", "--top", "9")
    assert (done.returncode, done.stdout) == (2, "")
    *usage, error = done.stderr.splitlines()
    assert usage == ["Usage: pvtop report [OPTIONS]", "Try 'pvtop report -h' for help.", ""]
    assert error.startswith("Error: ")
    assert "else" in error
    assert "\x1b" not in error  # escaped, or taken out by an older Typer


@pytest.mark.parametrize(
    "place", [("report",), ("report", "--top"), ("show", "--no-such-option", "--source"), ("cache", "ls")]
)
def test_secrets_in_the_wrong_option_are_not_shown(pvtop_in_process: Command, place: tuple[str, ...]) -> None:
    done = pvtop_in_process(*place, secret("https://example.org/a"))
    assert done.returncode == 2
    assert "Usage: pvtop" in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr


def test_logged_tracebacks_contain_no_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    Output(verbose=True)
    address = secret("https://example.org/a") + QUERY
    try:
        dict.fromkeys("a")[address]
    except KeyError:
        logging.getLogger("pvtop").debug("one hour", exc_info=True)
    assert capfd.readouterr().err.endswith("KeyError: 'https://example.org/a'\n")


# Where the output goes.


def test_closed_stdout_pipe_is_not_a_failure(pvtop_in_process: Command, write_dump: WriteDump) -> None:
    write_dump("".join(f"d{i} {'A' * 99} 5 0\n" for i in range(500)))
    assert pvtop_in_process(*LOCAL).returncode == 0
    domains = [arg for i in range(500) for arg in ("--domain", f"d{i}")]
    for json_or_not in ((), ("--json",)):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [PVTOP, "show", "--output", "lake", *domains, *json_or_not],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("args", [("--version",), ("show", "--output", "lake"), ("show", "--output", "lake", "--json")])
def test_full_stdout_is_a_failure(pvtop_in_process: Command, write_dump: WriteDump, args: tuple[str, ...]) -> None:
    write_dump("en A 5 0\n")
    pvtop_in_process(*LOCAL)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([PVTOP, *args], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("pvtop: cannot write to stdout: No space left on device\n")
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_unwritable_log_does_not_stop_the_run(write_dump: WriteDump) -> None:
    write_dump("".join(f"en {title} 5 0\n" for title in range(200)) + "en\n")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([PVTOP, *LOCAL], stdout=subprocess.PIPE, stderr=full, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("2024-08-03 06:00 UTC: 1 domain,")
    for closed in ("2>&-", "<&- >&- 2>&-"):
        command = ["/bin/sh", "-c", f'"$0" "$@" {closed}', PVTOP, *LOCAL, "--force", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0
        assert not done.stderr
        assert not done.stdout or json.loads(done.stdout)  # no log in it


# Numbers and names beyond all measure.


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("show", "-n", "9" * 30), 2),
        (("batch", "--last", "9" * 30), 0),
        (("report", "--date", "9999-12-31", "--hour", "23"), 3),
        (("batch", "--start", "9999-12-31", "--end", "9999-12-31"), 3),
        (("batch", "--start", "2015-05-01", "--end", "9999-12-31"), 2),
        (("status", "--start", "9999-12-30", "--end", "9999-12-31"), 0),
        (("report", "--hour", "9" * 30), 2),
        (("report", "--top", "9" * 30), 2),
        (("cache", "prune", "--older-than", "999999w", "--yes"), 0),
    ],
)
def test_absurd_numbers_are_refused(
    pvtop_in_process: Command, write_dump: WriteDump, args: tuple[str, ...], code: int
) -> None:
    write_dump("en A 5 0\n")
    pvtop_in_process(*LOCAL)
    done = pvtop_in_process(*args, PVTOP_SOURCE="source", PVTOP_BLACKLIST="none", PVTOP_OUTPUT="lake")
    assert done.returncode == code, done.stderr
    assert "internal error" not in done.stderr


def texts() -> Iterator[str]:
    """Yield every string of the package."""
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_messages_name_existing_options_and_variables() -> None:
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (ROOT / "docs" / "cli.md").read_text()))
    variables = {f"PVTOP_{name.upper()}" for name in Settings.model_fields}
    named = [name for text in texts() for name in re.findall(r"(?<![\w-])--[a-z][a-z-]+|PVTOP_[A-Z_]+[A-Z]", text)]
    assert "--contact" in named
    assert set(named) - options - variables - {"PVTOP_OPTION"} == set()
