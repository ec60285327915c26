"""The commands `blacklist info` and `blacklist refresh`."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from itertools import chain
from pathlib import Path

import pytest

from pvtop.settings import PUBLIC_BLACKLIST, Settings
from pvtop.sources.cache import Cache
from pvtop.sources.facts import FileFacts, sidecar
from support.samples import DATA, Command
from support.server.files import File, Server

LISTED = sha256(b"en A\n").hexdigest()
REPORT = ("report", "--source", DATA / "source", "--output", "lake")


def test_blacklist_info_counts_spellings_and_domains(pvtop_in_process: Command) -> None:
    data = json.loads(pvtop_in_process("blacklist", "info", "--blacklist", DATA / "blacklist", "--json").stdout)
    assert data["address"] == str(DATA / "blacklist")
    assert (len(data["sha256"]), data["known_list"]) == (64, False)
    assert data["spellings"] > data["domains"] > 1
    assert "sha256" in pvtop_in_process("blacklist", "info", "--blacklist", DATA / "blacklist").stdout
    assert json.loads(pvtop_in_process("blacklist", "info", "--blacklist", "none", "--json").stdout)["spellings"] == 0


def test_blacklist_is_downloaded_again_by_refresh_only(pvtop_in_process: Command, server: Server) -> None:
    server.files["/blacklist"] = File(b"en A\n")
    address = ("--blacklist", f"{server.url}/blacklist", "--json")
    first = json.loads(pvtop_in_process("blacklist", "info", *address).stdout)["sha256"]
    server.files["/blacklist"] = File(b"en B\n")
    assert json.loads(pvtop_in_process("blacklist", "info", *address).stdout)["sha256"] == first
    assert json.loads(pvtop_in_process("blacklist", "refresh", *address).stdout)["sha256"] != first


NEVER = {
    "a host name instead of a domain code": ["en.wikipedia.org A", "www.Wikidata.org Q1"],
    "a domain code with capital letters": ["EN A", "en.M A"],
    "an unknown domain code": ["x.y.z A"],
    "two spaces after the domain code": ["en  A"],
}


@pytest.mark.parametrize("listed", [DATA / "blacklist", Path("mixed")], ids=["sample", "mixed"])
def test_numbers_of_blacklist_info_add_up(pvtop_in_process: Command, listed: Path) -> None:
    lines = ["en A", "en A%3AB ", "en A:B", "", " \t", "bn.m.v ", "de M%FCnchen", *chain.from_iterable(NEVER.values())]
    Path("mixed").write_text("\n".join(lines))
    data = json.loads(pvtop_in_process("blacklist", "info", "--blacklist", listed, "--json").stdout)
    assert data["lines"] == data["blank"] + data["untitled"] + data["entries"]
    assert data["lines"] == len(listed.read_text().removesuffix("\n").split("\n"))
    assert data["spellings"] == data["entries"] + data["decoded"] - data["duplicates"]
    assert data["entries"] > sum(never["entries"] for never in data["never_matching"])
    if listed.name == "mixed":
        assert [data[name] for name in ("blank", "untitled", "entries", "decoded", "duplicates", "written_only")] == [
            2, 1, 10, 1, 1, 1,
        ]  # fmt: skip


def test_blacklist_info_names_entries_that_can_never_match(pvtop_in_process: Command) -> None:
    Path("list").write_text("\n".join(["en A", *chain.from_iterable(NEVER.values()), "", "fr M%FC"]) + "\n")
    info = ("blacklist", "info", "--blacklist", "list")
    never = json.loads(pvtop_in_process(*info, "--json").stdout)["never_matching"]
    assert {one["reason"]: (one["entries"], one["example"]) for one in never} == {
        reason: (len(entries), entries[0]) for reason, entries in NEVER.items()
    }
    shown = pvtop_in_process(*info).stdout.splitlines()
    assert shown[2:6] == [
        "lines      9: 8 entries, 0 without a title, 1 blank",
        "spellings  8: 8 as written + 0 percent-decoded - 0 repeated",
        "domains    7",
        "not UTF-8 when decoded, so excluded only as written: 1",
    ]
    assert "can never match: 1 with two spaces after the domain code, such as 'en  A'" in shown


def cache_public_blacklist(content: bytes) -> None:
    """Write a list to the cache as if it had been downloaded from the default address."""
    path = Cache(Settings.load().cache_dir).blacklist_path(PUBLIC_BLACKLIST)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    facts = FileFacts(str(PUBLIC_BLACKLIST), len(content), sha256(content).hexdigest())
    sidecar(path).write_text(json.dumps(asdict(facts)))


@pytest.mark.parametrize("command", [("blacklist", "info"), REPORT], ids=["info", "report"])
def test_changed_public_blacklist_is_warned_of(pvtop_in_process: Command, command: tuple[object, ...]) -> None:
    cache_public_blacklist(b"en A\n")
    done = pvtop_in_process(*command)
    assert done.returncode == 0
    assert f"the public blacklist {PUBLIC_BLACKLIST} has changed: its sha256 is {LISTED}, pvtop knows" in done.stderr


def test_public_blacklist_with_the_known_digest_is_not_warned_of(
    pvtop_in_process: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_public_blacklist(b"en A\n")
    monkeypatch.setattr("pvtop.sources.blacklists.KNOWN_SHA256", LISTED)
    done = pvtop_in_process("blacklist", "info")
    assert done.stderr == ""
    assert done.stdout.startswith(f"address    {PUBLIC_BLACKLIST}\nsha256     {LISTED} (the public list that pvtop")


def test_blacklist_of_another_address_is_not_warned_of(pvtop_in_process: Command) -> None:
    Path("list").write_text("en A\n")
    assert pvtop_in_process("blacklist", "info", "--blacklist", "list").stderr == ""
