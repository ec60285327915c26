"""The blacklist of a run: read from a file, downloaded, and kept as parsed."""

from __future__ import annotations

import io
import os
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from pvtop.core.address import Address
from pvtop.core.errors import BlacklistError
from pvtop.pipeline.lookup import configured_blacklist
from pvtop.settings import Settings
from pvtop.sources.blacklists import MAX_BLACKLIST_BYTES, _read_parsed, load_blacklist, read_blacklist, verify_blacklist
from pvtop.sources.cache import Cache
from pvtop.storage.http import Client
from pvtop.transform.blacklist import no_blacklist
from pvtop.transform.report import RULES_VERSION
from support.server.behaviours import html, status
from support.server.files import File, Server


def but(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update=changes)


def test_blacklist_has_the_documented_columns(tmp_path: Path) -> None:
    schema = pl.Schema({"domain_code": pl.String, "page_title": pl.String})
    (tmp_path / "one").write_text("en A\n")
    frames = (read_blacklist(tmp_path / "one"), no_blacklist())
    assert [frame.schema for frame in frames] == [schema] * 2


def test_verify_blacklist_names_the_address(tmp_path: Path) -> None:
    path = tmp_path / "1a2b.txt"
    path.write_text("<html>")
    with pytest.raises(BlacklistError, match=r"^https://example\.org/list is not"):
        verify_blacklist(path, Address.at("https://example.org/list"))


@pytest.mark.parametrize(
    ("name", "reason"), [("nothing", "No such file"), (".", "it is not a regular"), ("pipe", "it is not a regular")]
)
def test_unreadable_blacklist_is_named_with_the_reason(name: str, reason: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BlacklistError, match=rf"^cannot read the blacklist {tmp_path / name}: {reason}"):
        read_blacklist(tmp_path / name)


@pytest.mark.parametrize(
    ("code", "setting"), [(404, "blacklist"), (503, "blacklist"), (451, ""), (403, "contact")], ids=str
)
async def test_failed_download_of_the_blacklist_names_the_setting(
    code: int, setting: str, server: Server, tmp_path: Path
) -> None:
    server.always["/list"] = status(code)
    settings = Settings.load(blacklist=f"{server.url}/list", cache_dir=tmp_path, attempts=1)
    async with Client(settings) as client:
        with pytest.raises(BlacklistError, match=rf"^cannot download the blacklist: .*{code}") as caught:
            await load_blacklist(client, settings.blacklist)
    assert caught.value.hint.startswith("use a file of your own as the blacklist, or none to exclude nothing, or ")
    assert caught.value.setting == setting


def test_verify_blacklist_returns_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "blacklist"
    path.write_bytes(b"en A\r\n")
    digest = "9b9491c623d80a29c24099da6d5bcdf04f0c20b87f8af7569378bb335304df58"
    assert verify_blacklist(path, Address.at("list")) == digest


def test_too_long_blacklist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list"
    with path.open("wb") as file:
        file.truncate(MAX_BLACKLIST_BYTES + 1)
    with pytest.raises(BlacklistError, match="is longer than 64,000,000 bytes"):
        read_blacklist(path)


LISTED = [("en", "A%2E"), ("en", "A.")]


@pytest.fixture
def listed(settings: Settings, tmp_path: Path) -> Settings:
    """Return settings with a blacklist file that has been parsed and kept."""
    (tmp_path / "list").write_text("en A%2E\n")
    chosen = but(settings, blacklist=str(tmp_path / "list"))
    assert configured_blacklist(chosen).pages.rows() == LISTED
    return chosen


def parsed(settings: Settings) -> Path:
    return Cache(settings.cache_dir).parsed_blacklist_path(settings.blacklist)


def keep(settings: Settings, rules: int) -> None:
    """Write a kept blacklist with one entry of the two, so that a test sees whether it is used."""
    frame = io.BytesIO()
    pl.DataFrame(LISTED[1:], schema=no_blacklist().schema, orient="row").write_parquet(frame)
    digests = [sha256(content).hexdigest() for content in (Path(settings.blacklist).read_bytes(), frame.getvalue())]
    head = f"{digests[0]} {rules} {pl.__version__} {digests[1]}\n"
    parsed(settings).write_bytes(head.encode() + frame.getvalue())


def test_parsed_blacklist_is_kept(listed: Settings) -> None:
    keep(listed, RULES_VERSION)
    found = configured_blacklist(listed)
    assert found.pages.rows() == LISTED[1:]
    assert found.pages.schema == no_blacklist().schema


def test_parsed_blacklist_of_other_bytes_is_parsed_again(listed: Settings) -> None:
    Path(listed.blacklist).write_text("de B\n")
    assert configured_blacklist(listed).pages.rows() == [("de", "B")]
    assert configured_blacklist(listed).pages.rows() == [("de", "B")]


def test_parsed_blacklist_of_other_rules_is_parsed_again(listed: Settings) -> None:
    keep(listed, RULES_VERSION - 1)
    assert configured_blacklist(listed).pages.rows() == LISTED


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)], ids=["every fifth byte", "every byte"])
def test_damaged_parsed_blacklist_is_parsed_again(listed: Settings, step: int) -> None:
    whole = parsed(listed).read_bytes()
    for place in range(0, len(whole), step):
        parsed(listed).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert configured_blacklist(listed).pages.rows() == LISTED


def test_blacklist_is_parsed_if_it_cannot_be_kept(listed: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert configured_blacklist(but(listed, cache_dir=tmp_path / "file" / "cache")).pages.rows() == LISTED


def test_blacklist_that_changes_before_it_is_counted_is_an_error(listed: Settings) -> None:
    found = configured_blacklist(listed)
    assert found.count().entries == 1
    Path(listed.blacklist).write_text("de B\n")
    with pytest.raises(BlacklistError, match="has changed while it was read"):
        found.count()


def test_failed_refresh_keeps_the_old_blacklist(server: Server) -> None:
    server.files["/blacklist"] = File(b"en B\n")
    online = Settings.load(blacklist=f"{server.url}/blacklist")
    before = configured_blacklist(online)
    server.script["/blacklist"] = [html]
    with pytest.raises(BlacklistError):
        configured_blacklist(but(online, refresh_blacklist=True))
    assert configured_blacklist(online).sha256 == before.sha256


def test_parsed_blacklist_of_an_absurd_size_is_parsed_again(tmp_path: Path) -> None:
    path = tmp_path / "parsed"
    with path.open("wb") as file:
        file.truncate(1 << 42)
    assert _read_parsed(path, "digest") is None
