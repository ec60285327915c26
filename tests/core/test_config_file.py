"""Finding and reading `pvtop.toml`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pvtop.core.config_file import home_folder, read_config_files
from pvtop.core.errors import UsageError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
NOBODY = 54_321


def write(folder: Path, text: str | bytes = "top = 1") -> Path:
    """Write a file into a folder. Return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pvtop.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def found(user_folder: Path | None = None) -> list[Path]:
    return [file.path for file in read_config_files(user_folder)]


@pytest.fixture(autouse=True)
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand two folders below the home folder."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_nearest_file_is_read(tmp_path: Path, below: Path) -> None:
    assert found() == []
    for folder in (tmp_path, below.parent, below):
        path = write(folder)
        assert found() == [path]


def test_search_ends_at_the_home_folder(tmp_path: Path, below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setenv("HOME", str(below.parent))
    assert found() == []


def test_search_ends_at_a_home_folder_behind_a_link(
    tmp_path: Path, below: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    (tmp_path / "link").symlink_to(below.parent)
    monkeypatch.setenv("HOME", str(tmp_path / "link"))
    assert found() == []


@pytest.mark.parametrize("home", ["", "relative", "/somewhere/else"])
def test_search_outside_of_the_home_folder_ends_at_the_root(
    tmp_path: Path, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", home)
    path = write(tmp_path)
    assert found() == [path]


@pytest.mark.usefixtures("no_home")
def test_search_works_without_a_home_folder(tmp_path: Path) -> None:
    assert home_folder() is None
    path = write(tmp_path)
    assert found() == [path]


def test_users_own_file_comes_after_the_nearest(tmp_path: Path, below: Path) -> None:
    own = write(tmp_path / "own")
    assert found(tmp_path / "own") == [own]
    path = write(below)
    assert found(tmp_path / "own") == [path, own]


def test_users_own_file_is_read_once_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = write(tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    assert found(tmp_path / "own") == [own]


def test_removed_working_folder_has_no_file(tmp_path: Path, below: Path) -> None:
    own = write(tmp_path / "own")
    below.rmdir()
    assert found(tmp_path / "own") == [own]


@as_root
def test_file_of_somebody_else_is_passed_over(tmp_path: Path, below: Path, caplog: pytest.LogCaptureFixture) -> None:
    above, other = write(tmp_path), write(below)
    os.chown(other, NOBODY, NOBODY)
    assert found() == [above]
    assert caplog.messages == [f"{other} is not used, because somebody else owns it"]
    assert caplog.records[0].levelname == "WARNING"


def test_file_that_all_may_write_is_passed_over(tmp_path: Path, below: Path, caplog: pytest.LogCaptureFixture) -> None:
    above, other = write(tmp_path), write(below)
    other.chmod(0o666)
    assert found() == [above]
    assert caplog.messages == [f"{other} is not used, because everybody may write it (chmod o-w)"]
    other.chmod(0o664)
    assert found() == [other]


def test_users_own_file_is_passed_over_if_all_may_write_it(tmp_path: Path) -> None:
    write(tmp_path / "own").chmod(0o666)
    assert found(tmp_path / "own") == []


@as_root
def test_pipe_of_somebody_else_is_passed_over(below: Path) -> None:
    os.mkfifo(below / "pvtop.toml")
    os.chown(below / "pvtop.toml", NOBODY, NOBODY)
    assert found() == []


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_not_a_file_is_named(below: Path, make: type) -> None:
    make(below / "pvtop.toml")
    (below / "pvtop.toml").chmod(0o700)
    with pytest.raises(UsageError) as caught:
        found()
    assert caught.value.message == f"cannot read {below}/pvtop.toml: it is not a regular file"


def test_link_that_leads_to_itself_is_named(below: Path) -> None:
    (below / "pvtop.toml").symlink_to("pvtop.toml")
    with pytest.raises(UsageError, match=r"cannot read .*/pvtop\.toml: Too many levels"):
        found()


def test_link_that_leads_nowhere_is_no_file(below: Path) -> None:
    (below / "pvtop.toml").symlink_to("nowhere")
    assert found() == []


def test_byte_order_mark_and_windows_line_ends_are_skipped(below: Path) -> None:
    write(below, b"\xef\xbb\xbftop = 3\r\nforce = true\r\n")
    file = read_config_files(None)[0]
    assert (file.values, file.lines) == ({"top": 3, "force": True}, {"top": 1, "force": 2})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# top = 1\n\n  top=3", 3),
        ('"top" = 3', 1),
        ("'top' = 3", 1),
        ("force = true\n[top]\na = 1", 2),
        ("[[top]]\na = 1", 1),
        ("top.a = 1", 1),
    ],
)
def test_line_of_a_key_is_found(below: Path, text: str, line: int) -> None:
    write(below, text)
    assert read_config_files(None)[0].lines["top"] == line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("top =", "Invalid value (at end of document)"),
        ("top = 1\ntop = 2", "Cannot overwrite a value"),
        ("not toml", "Expected '=' after a key in a key/value pair (at line 1, column 5)"),
        (b"top = 1 # \xff", "it is not UTF-8"),
        ("top = 1".encode("utf-16"), "it is not UTF-8"),
        (f"top = {'[' * 5_000}", "it is nested too deeply, or has a number that is too long"),
        (f"top = {'9' * 5_000}", "it is nested too deeply, or has a number that is too long"),
    ],
)
def test_broken_file_is_named_with_the_reason(below: Path, text: str | bytes, reason: str) -> None:
    path = write(below, text)
    with pytest.raises(UsageError) as caught:
        found()
    assert caught.value.message.startswith(f"{path} is not valid TOML: {reason}")
    assert caught.value.hint == "fix or remove it"
