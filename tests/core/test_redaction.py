"""Secrets in texts of others: messages of libraries, and what users typed."""

from __future__ import annotations

import pytest

from pvtop.core.redaction import redacted


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
        ("no postgresql://user:7/secret@example.org/a, sorry", "no postgresql://example.org/a, sorry"),
        ("'mysql+pymysql://user:/sec@ret@example.org/a'", "'mysql+pymysql://example.org/a'"),
        ("'postgresql:/user:7/secret@example.org/a'", "'postgresql:/example.org/a'"),
        ("mariadb//user:7/secret@example.org/a", "mariadb//example.org/a"),
        ("'postgresql:/user:secret/a' is mistyped", "'postgresql:/' is mistyped"),
        ("mysql://user:7secret", "mysql://"),
        ("http://example.org:80, https://example.org:8443: no", "http://example.org:80, https://example.org:8443: no"),
        ("at postgresql://example.org:5432: refused", "at postgresql://example.org:5432: refused"),
        ("'mysql://[::1]:3306/a', me@home", "'mysql://[::1]:3306/a', me@home"),
        ("postgresql: connection of me@home refused", "postgresql: connection of me@home refused"),
    ],
)
def test_redacted_hides_secrets_in_a_text(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "unit", ["://", "://a:", "a:", "://a:b ", ";a=", "?a=", "mysql:", "mysql://a", "https:a", "https://a:"]
)
def test_redacted_takes_linear_time(unit: str) -> None:
    assert redacted(unit * 20_000 + " @ end").endswith("end")
