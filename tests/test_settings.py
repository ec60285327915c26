"""Settings: where a value comes from, and what is refused."""

from __future__ import annotations

import os
import pickle
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from pvtop.core.errors import UsageError
from pvtop.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder of one's own, with no setting in the environment."""
    for name in [name for name in os.environ if name.upper().startswith("PVTOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def toml(text: str | bytes) -> None:
    Path("pvtop.toml").write_bytes(text if isinstance(text, bytes) else text.encode())


def test_defaults() -> None:
    settings = Settings.load()
    assert settings.source == "https://dumps.wikimedia.org/other/pageviews"
    assert settings.output == "reports"
    assert settings.blacklist.startswith("https://s3.amazonaws.com/dd-interview-data/")
    assert (settings.top, settings.connections, settings.malformed_limit) == (25, 2, 0.01)
    assert (settings.force, settings.keep_unknown, settings.no_validate) == (False, False, False)


def test_toml_before_defaults() -> None:
    toml("top = 10")
    assert Settings.load().top == 10


def test_environment_before_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    toml("top = 10")
    monkeypatch.setenv("PVTOP_TOP", "11")
    assert Settings.load().top == 11


def test_flags_before_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    toml("top = 10")
    monkeypatch.setenv("PVTOP_TOP", "11")
    assert Settings.load(top=12).top == 12


def test_a_flag_that_is_not_given_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVTOP_TOP", "11")
    assert Settings.load(top=None).top == 11


def test_a_switch_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVTOP_FORCE", "1")
    assert Settings.load().force
    assert not Settings.load(force=False).force


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_one_of_the_environment(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PVTOP_{field.upper()}", {"cache_max_age": "7d"}.get(field, "1"))
    assert Settings.load().model_fields_set == {field}


def test_other_variables_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOP", "11")
    monkeypatch.setenv("PVTOP_COLOUR", "red")
    assert Settings.load().top == 25


def test_an_unknown_key_is_named() -> None:
    toml("colour = 'red'")
    with pytest.raises(UsageError, match="colour"):
        Settings.load()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("top", "0"),
        ("top", "1000001"),
        ("top", "many"),
        ("top", "2.5"),
        ("connections", "4"),
        ("connections", "0"),
        ("malformed_limit", "1.1"),
        ("malformed_limit", "-0.1"),
        ("malformed_limit", "nan"),
        ("force", "perhaps"),
        ("source", " "),
        ("source", "https://"),
        ("source", "http:///a"),
        ("source", "https://[::1/a"),
        ("blacklist", "https://example.org:port/a"),
        ("read_timeout", "0"),
        ("attempts", "0"),
        ("backoff", "-1"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(field: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PVTOP_{field.upper()}", value)
    with pytest.raises(UsageError, match=rf"(?m)^{field}: .*{re.escape(repr(value))}$") as caught:
        Settings.load()
    assert f"PVTOP_{field.upper()}" in caught.value.hint


def test_a_hint_tells_where_a_value_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVTOP_CONNECTIONS", "4")
    with pytest.raises(UsageError) as caught:
        Settings.load()
    assert (caught.value.hint, caught.value.setting) == ("given as PVTOP_CONNECTIONS", "")
    with pytest.raises(UsageError) as caught:
        Settings.load(connections=5)
    assert (caught.value.hint, caught.value.setting) == ("given as an argument", "connections")
    monkeypatch.delenv("PVTOP_CONNECTIONS")
    toml("connections = 6")
    with pytest.raises(UsageError) as caught:
        Settings.load()
    assert (caught.value.hint, caught.value.setting) == ("given as connections in pvtop.toml", "")


@pytest.mark.parametrize("field", Settings.model_fields)
def test_an_empty_variable_counts_as_not_set(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PVTOP_{field.upper()}", "")
    assert Settings.load().model_fields_set == set()


@pytest.mark.parametrize("field", ["cache_dir", "source", "output", "blacklist"])
def test_a_place_without_a_name_is_refused(field: str) -> None:
    with pytest.raises(UsageError, match=f"^{field}: must be (an address or a path|the path of a folder), not ''"):
        Settings.load(**{field: ""})


@pytest.mark.parametrize("address", ["https://example.org/a?b", "https://example.org/a#b"])
def test_a_root_has_no_query_but_a_file_may(address: str) -> None:
    assert Settings.load(blacklist=address).blacklist == address
    for root in ("source", "output"):
        with pytest.raises(UsageError, match=f"^{root}: must be an address without a query"):
            Settings.load(**{root: address})


def test_a_wrong_value_in_the_toml_is_named() -> None:
    toml("top = 'many'")
    with pytest.raises(UsageError, match=r"top: .*'many'") as caught:
        Settings.load()
    assert "pvtop.toml" in caught.value.hint


@pytest.mark.parametrize("text", ["top =", "top = 1\ntop = 2", "not toml", b"top = 1 # \xff"])
def test_broken_toml_is_named(text: str | bytes) -> None:
    toml(text)
    with pytest.raises(UsageError, match=r"pvtop\.toml is not valid TOML"):
        Settings.load()


def test_a_toml_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "pvtop.toml").mkdir()
    with pytest.raises(UsageError, match=r"(?m)^cannot read pvtop\.toml: Is a directory$"):
        Settings.load()


def test_an_unknown_argument_is_not_taken_for_a_key() -> None:
    with pytest.raises(UsageError, match=r"(?m)^colour: .*'red'$") as caught:
        Settings.load(colour="red")
    assert caught.value.hint == "given as an argument"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1000", 1000),
        ("500MB", 500_000_000),
        ("20 GB", 20_000_000_000),
        ("1.5GiB", 1_610_612_736),
        (" 2tb ", 2 * 10**12),
        (7, 7),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert Settings.load(cache_max_size=text).cache_max_size == size


@pytest.mark.parametrize(
    "text", ["1,5GB", "1_000", "-1", "+1", "-5GB", "8bit", "5 bits", "5k", "1e9", "GB", ".5GB", "5.GB", "٥GB", True]
)
def test_text_that_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="^cache_max_size: must be a size such as 20GB, 500MB or 1GiB, not "):
        Settings.load(cache_max_size=text)


def test_a_limit_of_no_bytes_is_refused() -> None:
    with pytest.raises(UsageError, match=r"(?m)^max_download: must be greater than or equal to 1, not '0'$"):
        Settings.load(max_download="0")


def test_the_toml_is_that_of_the_working_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml("top = 10")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert Settings.load().top == 25


def test_a_tilde_is_the_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    toml("cache_dir = '~/cache'")
    assert Settings.load().cache_dir == folder / "cache"


def test_a_tilde_of_nobody_is_a_name() -> None:
    assert Settings.load(cache_dir="~nobody-of-that-name/x").cache_dir == Path("~nobody-of-that-name/x")


@pytest.mark.parametrize(
    "address",
    [
        "https://user:secret@example.org:port/a?token=secret",
        "https://example.org/a?X-Amz-Signature=secret",
        "https://user:sec/ret?secret@example.org/a",
        "s3://key:secret/secret@bucket/lake",
        "gs://secret@bucket/lake",
        "https:/user:secret@example.org/a",
        "https:/secret@example.org/a",
        "s3:/key:secret/secret@bucket/lake",
        "https://user:sec ret/secret@example.org/a",
        "https://user:1 secret@example.org/a",
        "https://us\ter:secret@example.org/a",
        "sftp://user:sec ret@example.org/a",
        "https://u%3Asecret@example.org/a",
        "https://example.org/a;token=secret",
        "simplecache::user:secret@example.org/a",
        "//user:secret@example.org/a",
    ],
)
def test_a_refusal_shows_no_secrets(address: str) -> None:
    with pytest.raises(UsageError, match=r"^source: ") as caught:
        Settings.load(source=address)
    assert "secret" not in caught.value.message
    assert "sec " not in caught.value.message


@pytest.mark.parametrize("address", ["s3://bucket/a b", "/srv/a b", "/srv/a;b=c", "https://[::1]:80/a@b", "a\nb"])
def test_white_space_and_the_like_have_their_places(address: str) -> None:
    assert Settings.load(source=address).source == address


def test_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().top = 10


def test_a_pickle_keeps_its_values_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(top=10, contact="you@example.org")
    user_agent = settings.user_agent
    pickled = pickle.dumps(settings)
    monkeypatch.setenv("PVTOP_TOP", "11")
    toml("source = 'elsewhere'")
    again = pickle.loads(pickled)  # noqa: S301 - our own
    assert again == settings
    assert again.user_agent == user_agent


def test_user_agent_with_a_contact() -> None:
    contact = "https://example.org/bot; you@example.org"
    wanted = f"pvtop/{version('pvtop')} ({contact}) aiohttp/{version('aiohttp')}"
    assert Settings.load(contact=contact).user_agent == wanted


def test_user_agent_without_a_contact() -> None:
    assert Settings.load().user_agent == f"pvtop/{version('pvtop')} aiohttp/{version('aiohttp')}"


@pytest.mark.parametrize("contact", ["a\nb", "a\r\nX-Header: b", "a\0b", "a(b", "a)b", "a\\b", "jürgen@example.org"])
def test_a_contact_cannot_break_the_header(contact: str) -> None:
    with pytest.raises(UsageError, match="contact: must be plain ASCII"):
        Settings.load(contact=contact)
