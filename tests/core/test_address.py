"""Addresses."""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pvtop.core.address import Address, is_mistyped, parse_address
from pvtop.core.errors import PvtopError, UsageError
from pvtop.core.redaction import redacted


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org/a/b.gz", "https://example.org/a/b.gz"),
        ("https://user@example.org/a", "https://example.org/a"),
        ("https://user:secret@example.org/a", "https://example.org/a"),
        ("https://user:p@ss@example.org/a", "https://example.org/a"),
        ("https://user:secret@example.org:8443/a", "https://example.org:8443/a"),
        ("https://example.org/a?token=secret", "https://example.org/a"),
        ("https://example.org/a#secret", "https://example.org/a"),
        ("https://user:secret@[::1]:8443/a?b=c#d", "https://[::1]:8443/a"),
        ("s3://key:secret@bucket/lake", "s3://bucket/lake"),
        ("s3://key:sec/ret+/secret@bucket/lake", "s3://bucket/lake"),
        ("https://user:secret?secret#secret@example.org/a", "https://example.org/a"),
        ("https://secret@example.org/a", "https://example.org/a"),
        ("https://example.org:8443/a@b", "https://example.org:8443/a@b"),
        ("https://example.org/a:b@c", "https://example.org/a:b@c"),
        ("s3://bucket/a?X-Amz-Credential=secret/x&X-Amz-Signature=secret", "s3://bucket/a"),
        ("abfs://container@account.dfs.core.windows.net/lake", "abfs://container@account.dfs.core.windows.net/lake"),
        ("abfss://container@account/lake?sig=secret", "abfss://container@account/lake"),
        ("abfs://container:secret@account/lake", "abfs://account/lake"),
        ("simplecache::https://user:secret@example.org/a", "simplecache::https://example.org/a"),
        ("zip://a.gz::https://user:secret@example.org/a", "zip://a.gz::https://example.org/a"),
        ("file:///srv/mirror", "file:///srv/mirror"),
        ("https://user:sec ret@example.org/a", "https://example.org/a"),
        ("https://user:1 secret@example.org/a b", "https://example.org/a b"),
        ("https://sec ret@example.org/a", "https://example.org/a"),
        ("https://us\n\ter:secret@example.org/a", "https://example.org/a"),
        ("sftp://user:sec ret/secret@example.org/a", "sftp://example.org/a"),
        ("https://user::sec/ret@example.org/a", "https://example.org/a"),
        ("https://user:p@ss/secret@s@example.org", "https://ss/secret@s@example.org"),  # so it is read by all others
        ("https://u%3Asecret@example.org/a", "https://example.org/a"),
        ("https://example.org/a;token=secret/b;c/d;e=secret", "https://example.org/a/b;c/d"),
        ("https://example.org/a;b/..;/c", "https://example.org/a;b/..;/c"),
        ("https://[::1]:8443/a:b@c", "https://[::1]:8443/a:b@c"),
        ("hdfs:///srv/a:b@c", "hdfs:///srv/a:b@c"),
        ("simplecache::sftp://user:sec ret@example.org/a", "simplecache::sftp://example.org/a"),
        ("postgresql://user:secret@example.org:5432/a?password=secret", "postgresql://example.org:5432/a"),
        ("postgresql://user:7/secret@example.org/a", "postgresql://example.org/a"),
        ("mysql://user:/secret@example.org/a", "mysql://example.org/a"),
        ("mariadb://user:7/sec@ret@example.org/a", "mariadb://example.org/a"),
        ("postgres://user:7/secret@example.org/a", "postgres://example.org/a"),
        ("PostgreSQL+psycopg://user:7/secret@example.org/a", "PostgreSQL+psycopg://example.org/a"),
        ("mysql://user:7?secret@example.org/a", "mysql://"),
        ("mysql://example.org:3306/a?password=sec@ret", "mysql://"),
        ("postgresql://user:secret/a", "postgresql://"),
        ("postgresql://user:sec/ret/a", "postgresql://"),
        ("postgresql://user:7secret", "postgresql://"),
        (" postgresql://user:7/sec ret@example.org/a", " postgresql://example.org/a"),
        (" postgresql://user:secret/a", " postgresql://"),
        ("https://example.org:port/a", "https://example.org:port/a"),
        ("zip://a:b.gz::https://example.org:80/a", "zip://a:b.gz::https://example.org:80/a"),
        ("postgresql://user:secret@[::1]:5432/a", "postgresql://[::1]:5432/a"),
        ("postgresql://user@/a?host=/srv/socket", "postgresql:///a"),
        ("mysql://user:sec#ret;secret@example.org/a", "mysql://example.org/a"),
    ],
)
def test_text_of_an_address_hides_its_secrets(address: str, shown: str) -> None:
    found = Address.at(address)
    assert (str(found), f"{found}", repr(found)) == (shown, shown, f"Address({shown!r})")
    assert found.with_secrets() == address


@pytest.mark.parametrize(
    "path",
    [
        "https:/host/a", "S3:/bucket", "https//host", "https:host:80@x", "user:secret@host/a", "user:sec/ret@host/a",
        "postgresql//user:7/secret@host", "mysql:me", ":secret@host", "//user:secret@host/a", "//secret@host",
        "host/a?token=secret", "host/a;token=secret",
    ],
)  # fmt: skip
def test_mistyped_address_is_recognised(path: str) -> None:
    assert is_mistyped(path)


@pytest.mark.parametrize(
    "path",
    [
        "data//source",
        "https",
        "me@home/x",
        "./user:secret@host",
        "/srv/a:b@c",
        "/a?b=c",
        "~/a?b=c",
        "a?b",
        "a;b",
        "file:///a:b@c",
        "//srv/a",
    ],
)
def test_path_is_not_taken_for_a_mistyped_address(path: str) -> None:
    assert not is_mistyped(path)


SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="@/?#;:", exclude_categories=["C", "Z"]), min_size=1)


@given(st.sampled_from(["https", "s3", "sftp", "postgresql"]), SECRETS, SECRETS, SECRETS)
def test_no_text_of_an_address_has_a_secret(scheme: str, user: str, password: str, token: str) -> None:
    marked = [f"<{secret}>" for secret in (user, password, token)]
    address = Address.at("{}://{}:{}@host/a?token={}".format(scheme, *marked))
    for text in (f"{address / 'b'}", repr(address), str(address.absolute()), f"{[address]} {(address, 1)}"):
        assert not any(secret in text for secret in marked)
    assert str(address) == f"{scheme}://host/a"


@given(st.text(st.characters(codec="utf-8", exclude_characters="/:@")), st.text(min_size=1))
def test_no_password_of_a_database_is_shown(user: str, password: str) -> None:
    login = f"postgresql://{user}:{password}@"
    assert str(Address.at(f"{login}host:5432/a?b=c")) in {"postgresql://host:5432/a", "postgresql://"}
    if not re.search(r"\s", login):
        assert redacted(f"no '{login}host:5432/a'").startswith("no 'postgresql://host:5432/a")


@given(SECRETS)
def test_address_without_secrets_stays_as_it_is(path: str) -> None:
    shown = str(Address.at(f"https://user:secret@host/{path}"))
    assert str(Address.at(shown)) == shown


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("user:p@x@host/a", "one @, before the host"),
        ("user:7/p@x@host/a", "one @, before the host"),
        ("user:p?x@host/a", "one @, before the host"),
        ("host:5432/a?password=p@x", "one @, before the host"),
        ("host/a@x", "one @, before the host"),
        ("user:7/p x@host/a", "without white space"),
        ("user:px/a", "a valid host, port and user"),
        ("user:px@host:54x2/a", "a valid host, port and user"),
        ("user:px@host:65536/a", "a valid host, port and user"),
        ("host:0", "a valid host, port and user"),
    ],
)
@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
def test_address_of_a_database_that_can_be_read_in_two_ways_is_refused(scheme: str, rest: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^must be an address .*{reason}"):
        parse_address(f"{scheme}://{rest}")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://user:7/px@host/a", "postgresql://user:/x@host:5432/a", "mysql://host", "mariadb://[::1]:3306/a",
        "postgresql://user@/a?host=/srv/socket&port=5432", f"mysql://user:{'p%40x'}@host/a?ssl_ca=/srv/a.pem",
    ],
)  # fmt: skip
def test_address_of_a_database_is_accepted(address: str) -> None:
    assert parse_address(address).with_secrets() == address


@pytest.mark.parametrize("address", ["hdfs:///lake", "memory:///lake", "memory://"])
def test_empty_host_stays(address: str) -> None:
    assert str(Address.at(address)) == address


@pytest.mark.parametrize("path", ["/srv/a?b#c", "me@home/x", "~/mirror", "../a", "C:mirror", "", "."])
def test_text_of_a_path_is_the_path(path: str) -> None:
    assert str(Address.at(path)) == path


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("data/source", Path("data/source")),
        ("/srv/a b", Path("/srv/a b")),
        ("/srv/a%20b?c#d", Path("/srv/a%20b?c#d")),
        ("file:///srv/mirror", Path("/srv/mirror")),
        ("file:///srv/a%20b", Path("/srv/a b")),
        ("file://localhost/srv", Path("/srv")),
    ],
)
def test_local_path_of_a_path_or_file_address(address: str, path: Path) -> None:
    assert Address.at(address).local_path == path
    assert os.fspath(Address.at(address)) == str(path)


@pytest.mark.parametrize("address", ["https://example.org/a", "s3://bucket/a", "memory://a", "simplecache::memory://a"])
def test_local_path_of_a_remote_address_is_none(address: str) -> None:
    found = Address.at(address)
    assert found.local_path is None
    assert found.absolute() is found
    with pytest.raises(UsageError, match="is not on this machine"):
        os.fspath(found)


def test_local_path_expands_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Address.at("~/mirror").local_path == Address.at(Path("~/mirror")).local_path == tmp_path / "mirror"


def test_local_path_keeps_the_tilde_of_an_unknown_user() -> None:
    assert Address.at("~nobody-of-that-name/x").local_path == Path("~nobody-of-that-name/x")


def test_file_address_of_another_host_is_refused_without_secrets() -> None:
    with pytest.raises(UsageError, match="^file://host/a names a host, but files must be local"):
        Address.at("file://user:secret@host/a?b")


@pytest.mark.parametrize(
    ("address", "http"),
    [
        ("http://example.org", True),
        ("https://example.org", True),
        ("HTTPS://example.org", True),
        ("s3://bucket", False),
        ("httpx://example.org", False),
        ("https", False),
        ("./https://example.org", False),
    ],
)
def test_is_http_recognises_http_and_https(address: str, http: bool) -> None:
    assert Address.at(address).is_http is http


@pytest.mark.parametrize(
    ("root", "joined"),
    [
        ("https://example.org/a", "https://example.org/a/b/c"),
        ("https://example.org/a/", "https://example.org/a/b/c"),
        ("memory://", "memory://b/c"),
        ("./lake/", "./lake/b/c"),
        ("/", "/b/c"),
    ],
)
def test_slash_joins_with_one_slash(root: str, joined: str) -> None:
    assert Address.at(root) / "b/c" == Address.at(joined)
    assert Address.at(root) / "b" / "c" == Address.at(joined)


def test_joined_address_keeps_its_secrets() -> None:
    joined = Address.at("https://user:secret@example.org/a") / "b"
    assert (str(joined), joined.with_secrets()) == (
        "https://example.org/a/b",
        "https://user:secret@example.org/a/b",
    )


@pytest.mark.parametrize("root", ["/srv/a%20b", "file:///srv/a%2520b"])
def test_joined_path_is_not_decoded(root: str) -> None:
    assert (Address.at(root) / "c%20d").local_path == Path("/srv/a%20b/c%20d")


def test_absolute_address_starts_at_the_root_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a::b"  # text with two colons is an address of fsspec, a path is a path
    folder.mkdir()
    monkeypatch.chdir(folder)
    found = Address.at("lake").absolute()
    assert (str(found), found.local_path) == (str(folder / "lake"), folder / "lake")


def test_relative_address_without_a_current_folder_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(PvtopError, match="^cannot find lake: the current folder no longer exists"):
        Address.at("lake").absolute()


def test_addresses_are_equal_if_their_whole_texts_are() -> None:
    one, other = Address.at("https://a:b@host"), Address.at("https://a:c@host")
    assert str(one) == str(other)
    assert one != other
    assert {one: 1}[Address.at("https://a:b@host")] == 1


@pytest.mark.parametrize("text", ["https://user:secret@host/a", "~/lake", "file:///srv/a%20b"])
def test_pickled_address_is_whole(text: str) -> None:
    again = pickle.loads(pickle.dumps(Address.at(text)))  # noqa: S301 - our own
    assert (again, again.local_path) == (Address.at(text), Address.at(text).local_path)
