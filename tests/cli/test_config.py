"""`pvtop config`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pvtop.settings import Settings
from support.samples import DATA, Command

SECRET = "h0neyp0t"  # noqa: S105 - made up


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in a folder that anybody can read and write."""
    with TemporaryDirectory() as folder, monkeypatch.context() as patch:
        Path(folder).chmod(0o777)
        patch.chdir(folder)
        yield Path(folder)


def rows(text: str) -> dict[str, list[str]]:
    """Return the columns of each line, by the first of them."""
    return {name: columns for name, *columns in (re.split(r"  +", line) for line in text.splitlines())}


def test_config_show_names_each_setting_its_value_and_its_place(pvtop_in_process: Command, tmp_path: Path) -> None:
    Path("pvtop.toml").write_text("top = 10\n\nforce = true\ncache_max_age = '48h'\n")
    done = pvtop_in_process("config", "show", PVTOP_TOP="11", PVTOP_CACHE_MAX_SIZE="1.5GB")
    assert (done.returncode, done.stderr) == (0, "")
    found = rows(done.stdout)
    assert list(found) == list(Settings.model_fields)
    assert found["top"] == ["11", "PVTOP_TOP"]
    assert found["force"] == ["true", f"{tmp_path}/pvtop.toml, line 3"]
    assert found["cache_max_age"] == ["2d", f"{tmp_path}/pvtop.toml, line 4"]
    assert found["cache_max_size"] == ["1500MB", "PVTOP_CACHE_MAX_SIZE"]
    assert found["max_download"] == ["1GB", "default"]
    assert found["contact"] == ["(not set)", "default"]


def test_config_show_prints_json(pvtop_in_process: Command, tmp_path: Path) -> None:
    Path("pvtop.toml").write_text("\nforce = true\n")
    found = json.loads(pvtop_in_process("config", "show", "--json", PVTOP_ATTEMPTS="7").stdout)
    assert list(found) == list(Settings.model_fields)
    path = str(tmp_path / "pvtop.toml")
    assert found["force"] == {"value": True, "origin": "file", "place": path, "line": 2}
    assert found["attempts"] == {"value": 7, "origin": "environment", "place": "PVTOP_ATTEMPTS", "line": None}
    assert found["expect_whole"] == {"value": None, "origin": "default", "place": "", "line": None}


def test_shown_values_can_be_written_in_the_file(pvtop_in_process: Command) -> None:
    """JSON writes the values of TOML alike."""
    set_before = {"PVTOP_CACHE_MAX_AGE": "90m", "PVTOP_CACHE_MAX_SIZE": "1025", "PVTOP_MAX_DOWNLOAD": "2GiB"}
    found = json.loads(pvtop_in_process("config", "show", "--json", **set_before).stdout)
    values = {name: row["value"] for name, row in found.items() if row["value"] is not None}
    Path("pvtop.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
    again = json.loads(pvtop_in_process("config", "show", "--json").stdout)
    assert {name: row["value"] for name, row in again.items() if row["value"] is not None} == values


def test_config_show_shows_the_named_settings_only(pvtop_in_process: Command) -> None:
    assert list(rows(pvtop_in_process("config", "show", "top", "source").stdout)) == ["top", "source"]


def test_config_show_refuses_an_unknown_name(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("config", "show", "cache-dir")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "pvtop: cache-dir is not a setting, did you mean cache_dir?",
        "  pvtop config show lists all settings",
    ]


@pytest.mark.parametrize("output", [(), ("--json",)])
def test_config_show_shows_no_secrets(pvtop_in_process: Command, output: tuple[str, ...]) -> None:
    secret = f"https://user:{SECRET}@example.org/a"
    Path("pvtop.toml").write_text(f'blacklist = "{secret}?token={SECRET}"\ncontact = "{secret}"\n')
    done = pvtop_in_process("config", "show", *output, PVTOP_SOURCE=secret, PVTOP_STATSD=f"user:{SECRET}@host:1")
    assert done.returncode == 0
    assert "https://example.org/a" in done.stdout
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.usefixtures("no_home")
def test_config_show_works_without_a_home_folder(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("config", "show", "cache_dir", "--json")
    assert json.loads(done.stdout)["cache_dir"]["value"] is None


@pytest.mark.usefixtures("no_home")
def test_cache_without_a_home_folder_asks_for_a_folder(pvtop_in_process: Command) -> None:
    for command in ("dir", "ls", "verify"):
        done = pvtop_in_process("cache", command)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "pvtop: there is no cache folder, because HOME is not set",
            "  choose a folder (--cache-dir)",
        ]


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize("hours", [("report", "--date", "2024-12-31", "--hour", "14"), ("batch", "--last", "1")])
def test_local_folders_need_no_home_folder(
    pvtop_in_process: Command, hours: tuple[str, ...], open_folder: Path
) -> None:
    places = ("--source", DATA / "source", "--blacklist", DATA / "blacklist", "--output", "lake")
    done = pvtop_in_process(*hours, *places, PVTOP_CACHE_MAX_SIZE="1")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in open_folder.iterdir()] == ["lake"]


def test_unknown_variable_is_warned_of_once_with_the_nearest_name(pvtop_in_process: Command) -> None:
    done = pvtop_in_process("config", "show", "top", PVTOP_TPO=SECRET, PVTOP_ZZZ="1", PVTOP_EMPTY="")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "warning: PVTOP_TPO is not used: it is not a setting, did you mean PVTOP_TOP?",
        "warning: PVTOP_ZZZ is not used: it is not a setting",
    ]
    assert pvtop_in_process("cache", "verify", "-q", PVTOP_TPO="1").stderr == ""


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("report", "--top", "many"), "'--top': must be a whole number, not 'many'"),
        (("report", "--top", "2.5"), "'--top': must be a whole number, not '2.5'"),
        (("report", "--hour", "noon"), "'--hour': must be a whole number, not 'noon'"),
        (("report", "--log-format", "x"), "'--log-format': 'x' is not one of 'text', 'json'"),
        (("batch", "--last", "0"), "'--last': must be at least 1, not '0'"),
        (("show", "-n", "9999999"), "'-n': must be at most 1000000, not '9999999'"),
        (("report", "--top", f"https://a:{SECRET}@example.org"), "'--top': must be a whole number, not 'https://"),
    ],
)
def test_wrong_value_of_an_option_is_refused_in_our_words(
    pvtop_in_process: Command, args: tuple[str, ...], reason: str
) -> None:
    done = pvtop_in_process(*args)
    assert done.returncode == 2
    told = done.stderr.splitlines()[-1]
    assert told.startswith(f"Error: Invalid value for {reason}") or re.search(
        "is not (a valid|in the)", told
    )  # Click's
    assert not re.search("Input should|Value error|unable", told)
    assert SECRET not in told


def test_shell_completes_the_names_of_settings(pvtop_process: Command) -> None:
    asked = {"_PVTOP_COMPLETE": "complete_bash", "COMP_WORDS": "pvtop config show cache_", "COMP_CWORD": "3"}
    done = pvtop_process(**asked)
    assert done.stdout.split() == ["cache_dir", "cache_max_age", "cache_max_size"]
