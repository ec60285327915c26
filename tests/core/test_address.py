"""Addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvtop.core.address import is_http, is_mistyped, join, local_path, public, redacted


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
    ],
)
def test_public_hides_secrets_of_an_address(address: str, shown: str) -> None:
    assert public(address) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET 'https://user:se/cret@example.org/a?token=secret' failed", "GET 'https://example.org/a' failed"),
        ("no https://secret@example.org/a, nor s3://key:secret@b", "no https://example.org/a, nor s3://b"),
        ("at 12:00, me@home", "at 12:00, me@home"),
        ("https://example.org:8443/a and me@home", "https://example.org:8443/a and me@home"),
        ("'https:/user:secret@example.org/a'", "'https:/example.org/a'"),
        ("https:///user:secret@example.org/a", "https:///example.org/a"),
        ("https//user:secret@example.org/a", "https//example.org/a"),
        ("https:/secret@example.org/a", "https:/example.org/a"),
        ("(user:secret@example.org)", "(example.org)"),
        ("https:user:sec/ret@example.org", "example.org"),
        ("example.org/a?token=secret&b=c", "example.org/a"),
        ("example.org/a;token=secret/b", "example.org/a/b"),
        ("(https://user:sec ret@example.org/a)", "(https://example.org/a)"),
        ("'//user:secret@example.org/a'", "'//example.org/a'"),
        ("https://example.org/a?secret", "https://example.org/a"),
        ("https://example.org/a#secret", "https://example.org/a"),
        (
            "https://example.org:8443/a@b or https://example.org/a:b@c",
            "https://example.org:8443/a@b or https://example.org/a:b@c",
        ),
        ("file:///srv/me@home and /srv/a:b@c", "file:///srv/me@home and /srv/a:b@c"),
        ("file:///me@home and hdfs:///me@home", "file:///me@home and hdfs:///me@home"),
        ("/srv/a?b, is it? no", "/srv/a?b, is it? no"),
    ],
)
def test_redacted_hides_secrets_in_a_text(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize("unit", ["://", "://a:", "a:", "://a:b ", ";a=", "?a="])
def test_redacted_takes_linear_time(unit: str) -> None:
    assert redacted(unit * 20_000 + " @ end").endswith("end")


@pytest.mark.parametrize(
    "path",
    [
        "https:/host/a", "S3:/bucket", "https//host", "https:host:80@x", "user:secret@host/a", "user:sec/ret@host/a",
        ":secret@host", "//user:secret@host/a", "//secret@host", "host/a?token=secret", "host/a;token=secret",
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


@pytest.mark.parametrize("address", ["hdfs:///lake", "memory:///lake", "memory://"])
def test_public_keeps_an_empty_host(address: str) -> None:
    assert public(address) == address


@pytest.mark.parametrize("path", ["/srv/a?b#c", "me@home/x", "~/mirror", "../a", "C:mirror", "", "."])
def test_public_does_not_change_paths(path: str) -> None:
    assert public(path) == path


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
    assert local_path(address) == path


@pytest.mark.parametrize("address", ["https://example.org/a", "s3://bucket/a", "memory://a", "simplecache::memory://a"])
def test_local_path_of_a_remote_address_is_none(address: str) -> None:
    assert local_path(address) is None


def test_local_path_expands_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("~/mirror") == tmp_path / "mirror"


def test_local_path_keeps_the_tilde_of_an_unknown_user() -> None:
    assert local_path("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")


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
    assert is_http(address) is http


@pytest.mark.parametrize("root", ["https://example.org/a", "https://example.org/a/"])
def test_join_puts_one_slash_between_root_and_path(root: str) -> None:
    assert join(root, "2019/2019-04") == "https://example.org/a/2019/2019-04"


def test_join_keeps_a_root_without_a_host() -> None:
    assert join("memory://", "2019") == "memory://2019"
