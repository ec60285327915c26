"""Settings: the sources of a value, and values that are refused."""

from __future__ import annotations

import os
import pickle
import re
import sys
from collections.abc import Callable
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
from pydantic import ValidationError

from pvtop.core.address import Address
from pvtop.core.errors import UsageError
from pvtop.settings import NO_CACHE_DIR, REASONS, Settings, format_duration, given_settings, parse_duration


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in the home folder, with no setting in the environment."""
    for name in [name for name in os.environ if name.upper().startswith("PVTOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def toml(text: str, folder: str | Path = ".") -> Path:
    """Write a pvtop.toml."""
    path = Path(folder, "pvtop.toml").absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


OWN = Path(".config", "pvtop")  # the user's own folder, in the home folder
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the user's own folder is elsewhere on macOS")


def test_settings_have_the_documented_defaults() -> None:
    settings = Settings.load()
    assert str(settings.source) == "https://dumps.wikimedia.org/other/pageviews"
    assert str(settings.output) == "reports"
    assert str(settings.blacklist).startswith("https://s3.amazonaws.com/dd-interview-data/")
    assert (settings.top, settings.connections, settings.malformed_limit) == (25, 2, 0.01)
    assert (settings.force, settings.keep_unknown, settings.no_validate) == (False, False, False)


def test_toml_overrides_defaults() -> None:
    toml("top = 10")
    assert Settings.load().top == 10


def test_environment_overrides_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    toml("top = 10")
    monkeypatch.setenv("PVTOP_TOP", "11")
    assert Settings.load().top == 11


def test_arguments_override_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    toml("top = 10")
    monkeypatch.setenv("PVTOP_TOP", "11")
    assert Settings.load(top=12).top == 12


def test_argument_none_does_not_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVTOP_TOP", "11")
    assert Settings.load(top=None).top == 11


def test_switch_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVTOP_FORCE", "1")
    assert Settings.load().force
    assert not Settings.load(force=False).force


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_has_an_environment_variable(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PVTOP_{field.upper()}", {"cache_max_age": "7d", "days_overdue": "7d"}.get(field, "1"))
    assert Settings.load().model_fields_set == {field}


def test_unknown_variables_are_ignored_without_a_warning_in_python(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TOP", "11")
    monkeypatch.setenv("PVTOP_COLOUR", "red")
    assert Settings.load().top == 25
    assert not caplog.records


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("tpo", "tpo is not a setting, did you mean top?"),
        ("cache-dir", "cache-dir is not a setting, did you mean cache_dir?"),
        ("colour", "colour is not a setting"),
    ],
)
def test_unknown_key_is_named_with_its_place_and_the_nearest_setting(key: str, message: str) -> None:
    path = toml(f"top = 3\n{key} = 'red'")
    with pytest.raises(UsageError) as caught:
        Settings.load()
    assert (caught.value.message, caught.value.hint) == (message, f"given in {path}, line 2")


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
def test_invalid_value_is_named_with_its_variable(field: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PVTOP_{field.upper()}", value)
    with pytest.raises(UsageError, match=rf"(?m)^{field}: .*{re.escape(repr(value))}$") as caught:
        Settings.load()
    assert f"PVTOP_{field.upper()}" in caught.value.hint


def test_hint_says_where_a_value_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVTOP_CONNECTIONS", "4")
    with pytest.raises(UsageError) as caught:
        Settings.load()
    assert (caught.value.hint, caught.value.setting) == ("given as PVTOP_CONNECTIONS", "")
    with pytest.raises(UsageError) as caught:
        Settings.load(connections=5)
    assert (caught.value.hint, caught.value.setting) == ("given as an argument", "connections")
    monkeypatch.delenv("PVTOP_CONNECTIONS")
    path = toml("connections = 6")
    with pytest.raises(UsageError) as caught:
        Settings.load()
    assert (caught.value.hint, caught.value.setting) == (f"given in {path}, line 1", "")


@pytest.mark.parametrize("field", Settings.model_fields)
def test_empty_variable_counts_as_not_set(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PVTOP_{field.upper()}", "")
    assert Settings.load().model_fields_set == set()


@pytest.mark.parametrize("field", ["cache_dir", "source", "output", "blacklist"])
def test_empty_path_is_refused(field: str) -> None:
    with pytest.raises(UsageError, match=f"^{field}: must be (an address or a path|the path of a folder), not ''"):
        Settings.load(**{field: ""})


@pytest.mark.parametrize("address", ["https://example.org/a?b", "https://example.org/a#b"])
def test_query_is_refused_in_a_root_but_not_in_a_file(address: str) -> None:
    assert Settings.load(blacklist=address).blacklist == Address.at(address)
    for root in ("source", "output"):
        with pytest.raises(UsageError, match=f"^{root}: must be an address without a query"):
            Settings.load(**{root: address})


def test_invalid_value_in_the_toml_is_named() -> None:
    toml("top = 'many'")
    with pytest.raises(UsageError, match=r"top: .*'many'") as caught:
        Settings.load()
    assert "pvtop.toml" in caught.value.hint


def test_unknown_argument_is_named_with_the_nearest_setting() -> None:
    with pytest.raises(UsageError, match=r"^sauce is not a setting, did you mean source\?") as caught:
        Settings.load(sauce="red")
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
def test_sizes_are_read_with_units(text: str, size: int) -> None:
    assert Settings.load(cache_max_size=text).cache_max_size == size


@pytest.mark.parametrize(
    "text", ["1,5GB", "1_000", "-1", "+1", "-5GB", "8bit", "5 bits", "5k", "1e9", "GB", ".5GB", "5.GB", "٥GB", True]
)
def test_text_that_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="^cache_max_size: must be a size such as 20GB, 500MB or 1GiB, not "):
        Settings.load(cache_max_size=text)


def test_limit_of_no_bytes_is_refused() -> None:
    with pytest.raises(UsageError, match=r"(?m)^max_download: must be at least 1, not '0'$"):
        Settings.load(max_download="0")


@on_linux
def test_nearest_file_wins_over_the_users_own_key_by_key() -> None:
    toml("top = 10\nattempts = 2", OWN)
    toml("top = 11")
    assert (Settings.load().top, Settings.load().attempts) == (11, 2)


@on_linux
def test_given_settings_name_the_place_of_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    own, nearest = toml("\nattempts = 2", OWN), toml("top = 11\nforce = true")
    monkeypatch.setenv("PVTOP_FORCE", "1")
    found = given_settings(source="x", output=None)
    assert {name: (given.value, given.origin, given.place) for name, given in found.items()} == {
        "attempts": (2, "file", f"{own}, line 2"),
        "top": (11, "file", f"{nearest}, line 1"),
        "force": ("1", "environment", "PVTOP_FORCE"),
        "source": ("x", "argument", ""),
    }


PATHS = ("source", "blacklist", "output", "cache_dir")


@pytest.mark.parametrize("field", PATHS)
def test_relative_path_in_a_file_starts_at_the_folder_of_the_file(
    field: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(f"{field} = 'there/../here'")
    assert str(getattr(Settings.load(), field)) == "there/../here"
    Path("a/b").mkdir(parents=True)
    monkeypatch.chdir("a/b")
    assert str(getattr(Settings.load(), field)) == str(folder / "there/../here")


@pytest.mark.parametrize("field", PATHS)
def test_relative_path_in_a_variable_starts_at_the_working_folder(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    toml(f"{field} = 'there'")
    monkeypatch.setenv(f"PVTOP_{field.upper()}", "here")
    Path("a").mkdir()
    monkeypatch.chdir("a")
    assert str(getattr(Settings.load(), field)) == "here"


def test_addresses_and_full_paths_in_a_file_above_stay_as_they_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml("source = 'https://example.org/a'\nblacklist = 'none'\noutput = 's3://bucket/a'\ncache_dir = '~/c'\ntop = 2")
    Path("a").mkdir()
    monkeypatch.chdir("a")
    found = Settings.load()
    shown = [str(one) for one in (found.source, found.blacklist, found.output)]
    assert shown == ["https://example.org/a", "none", "s3://bucket/a"]
    assert (found.cache_dir, found.top) == (folder / "c", 2)


@pytest.mark.parametrize("path", ["$HOME", "$HOME/x", "${HOME}/x", "/srv/$USER/x", "a${x}"])
@pytest.mark.parametrize("field", PATHS)
def test_path_with_a_variable_is_refused(field: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PVTOP_{field.upper()}", path)
    with pytest.raises(UsageError, match=f"^{field}: must be a path without variables") as caught:
        Settings.load()
    assert caught.value.hint == f"given as PVTOP_{field.upper()}"


@pytest.mark.parametrize("address", ["https://example.org/$a/b", "s3://bucket/$a", "/srv/a$b", "a$"])
def test_dollar_that_names_no_variable_is_accepted(address: str) -> None:
    assert Settings.load(blacklist=address).blacklist == Address.at(address)


@pytest.mark.usefixtures("no_home")
def test_user_without_a_home_folder_has_no_cache() -> None:
    toml("top = 3")
    assert (Settings.load().cache_dir, Settings.load().top) == (NO_CACHE_DIR, 3)


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize("field", PATHS)
def test_tilde_without_a_home_folder_is_refused(field: str) -> None:
    for path in ("~", "~/x"):
        with pytest.raises(UsageError, match=f"^{field}: must be a path without ~, because HOME is not set, not '~"):
            Settings.load(**{field: path})


@pytest.mark.usefixtures("no_home")
def test_cache_folder_of_xdg_needs_no_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    assert (Settings.load().cache_dir == folder / "pvtop") is (sys.platform == "linux")


ARGUMENTS = [
    "", "x", "-1", "0", "9" * 5_000, "nan", "inf", "1e999", "\udcff", "a\0b", "s3://a:b@c", "٥", "x" * 1_000,
    5, -5, 10**30, 2.5, float("nan"), float("inf"), True, [], ["x"], {}, b"x", date(2024, 1, 1), object(),
]  # fmt: skip
IN_FILES = ["''", "'x'", "'-1'", "-1", "0", "9_999_999", "2.5", "nan", "inf", "true", "[]", "['x']", "{ a = 1 }",
            "2024-01-01", "2024-01-01T00:00:00Z", "07:00:00"]  # fmt: skip
OF_PYDANTIC = re.compile(
    r"(?i)\bInput\b|valid (integer|number|boolean|string|path)|unable to|\bparse|permitted|error|{"
)


def refusal(**arguments: object) -> UsageError | None:
    """Return the error of these settings, if they are refused. Any other exception fails the test."""
    try:
        Settings.load(**arguments)
    except UsageError as error:
        return error
    return None


@pytest.mark.parametrize("field", Settings.model_fields)
def test_wrong_values_are_refused_in_our_words(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = [(error, "given as an argument") for value in ARGUMENTS if (error := refusal(**{field: value}))]
    for text in IN_FILES:
        path = toml(f"{field} = {text}")
        refused += [(error, f"given in {path}, line 1")] if (error := refusal()) else []
    toml("")
    for value in filter(lambda value: isinstance(value, str) and value and "\0" not in value, ARGUMENTS):
        monkeypatch.setenv(f"PVTOP_{field.upper()}", str(value))
        refused += [(error, f"given as PVTOP_{field.upper()}")] if (error := refusal()) else []
    assert {hint for _, hint in refused if hint.startswith("given")}
    for error, hint in refused:
        said, _, value = error.message.partition(", not ")
        assert said.startswith(f"{field}: must ")
        assert not OF_PYDANTIC.search(said)
        assert value
        assert len(error.message) < 600
        assert error.hint == hint


def test_every_error_of_pydantic_that_a_field_can_have_is_worded() -> None:
    found = set()
    for field in Settings.model_fields:
        for value in [*ARGUMENTS, None]:
            try:
                Settings.model_validate({field: value})
            except ValidationError as error:
                found |= {one["type"] for one in error.errors()}
    assert found == set(REASONS)


@pytest.mark.parametrize("field", ["top", "connections", "attempts", "read_timeout", "min_share"])
def test_true_is_not_taken_for_one(field: str) -> None:
    toml(f"{field} = true")
    with pytest.raises(UsageError, match=f"^{field}: must be a number, not 'True'"):
        Settings.load()


def test_settings_expand_a_tilde(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    toml("cache_dir = '~/cache'")
    assert Settings.load().cache_dir == folder / "cache"


def test_settings_keep_the_tilde_of_an_unknown_user() -> None:
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
        "postgresql://user:7/se@secret@example.org/a",
    ],
)
def test_refused_address_shows_no_secrets(address: str) -> None:
    with pytest.raises(UsageError, match=r"^source: ") as caught:
        Settings.load(source=address)
    assert "secret" not in caught.value.message
    assert "sec " not in caught.value.message


@pytest.mark.parametrize("address", ["s3://bucket/a b", "/srv/a b", "/srv/a;b=c", "https://[::1]:80/a@b", "a\nb"])
def test_address_with_legal_special_characters_is_accepted(address: str) -> None:
    assert Settings.load(source=address).source == Address.at(address)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().top = 10


def test_pickled_settings_keep_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(top=10, contact="you@example.org")
    user_agent = settings.user_agent
    pickled = pickle.dumps(settings)
    monkeypatch.setenv("PVTOP_TOP", "11")
    toml("source = 'elsewhere'")
    again = pickle.loads(pickled)  # noqa: S301 - our own
    assert again == settings
    assert again.user_agent == user_agent


def test_user_agent_contains_the_contact() -> None:
    contact = "https://example.org/bot; you@example.org"
    wanted = f"pvtop/{version('pvtop')} ({contact}) aiohttp/{version('aiohttp')}"
    assert Settings.load(contact=contact).user_agent == wanted


def test_user_agent_without_a_contact() -> None:
    assert Settings.load().user_agent == f"pvtop/{version('pvtop')} aiohttp/{version('aiohttp')}"


@pytest.mark.parametrize("contact", ["a\nb", "a\r\nX-Header: b", "a\0b", "a(b", "a)b", "a\\b", "jürgen@example.org"])
def test_contact_with_control_characters_is_refused(contact: str) -> None:
    with pytest.raises(UsageError, match="contact: must be plain ASCII"):
        Settings.load(contact=contact)


def test_password_of_an_address_is_not_in_the_repr() -> None:
    settings = Settings.load(mart="postgresql://me:verysecret@host/db", source="https://me:verysecret@host/a")
    assert "verysecret" not in f"{settings!r} {settings}"
    assert "postgresql://host/db" in repr(settings)


@pytest.mark.parametrize("again", [lambda settings: settings.model_dump_json(), pickle.dumps], ids=["JSON", "pickle"])
def test_another_process_gets_the_same_settings(again: Callable[[Settings], str | bytes]) -> None:
    settings = Settings.load(
        source="https://me:secret@host/a",
        output=Path("lake"),
        cache_max_age="36h",
        days_overdue=timedelta(weeks=2),
        max_download="2GB",
    )
    sent = again(settings)
    found = Settings.model_validate_json(sent) if isinstance(sent, str) else pickle.loads(sent)  # noqa: S301 - our own
    assert found == settings
    assert found.source.with_secrets() == "https://me:secret@host/a"


def test_dumped_settings_are_text_that_makes_the_same_settings() -> None:
    settings = Settings.load(source="https://me:secret@host/a", mart="mart.duckdb")
    dumped = settings.model_dump()
    assert (dumped["source"], dumped["mart"]) == ("https://me:secret@host/a", "mart.duckdb")
    assert Settings(**dumped) == settings


def test_copied_settings_take_text_for_an_address_and_check_it() -> None:
    settings = Settings.load(top=3, source="https://example.org/a")
    copied = settings.model_copy(update={"output": "s3://bucket/lake"})
    assert (copied.output, copied.top, copied.source) == (Address.at("s3://bucket/lake"), 3, settings.source)
    assert copied.model_fields_set == {"top", "source", "output"}
    with pytest.raises(ValidationError, match="must name a bucket without keys"):
        settings.model_copy(update={"output": "s3://key:secret@bucket"})


@pytest.mark.parametrize("value", ["lake", Path("lake"), Address.at("lake")], ids=["text", "path", "address"])
def test_address_is_given_as_text_a_path_or_an_address(value: str | Path | Address) -> None:
    assert Settings(output=value).output == Address.at("lake")


@pytest.mark.parametrize("text", ["0d", "90s", "30m", "36h", "2d", "7d", "999999d"])
def test_duration_is_formatted_as_it_is_parsed(text: str) -> None:
    assert format_duration(parse_duration(text)) == text
