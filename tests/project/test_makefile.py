"""The Makefile: which variables its targets take, and how .venv is made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make") or "make"
LOCKS = ("requirements-run.lock", "requirements.lock")
ARGUMENTS = '#!/bin/sh\nfor word in "$@"; do printf "<%s>\\n" "$word" >> "$CALLS"; done\n'
HOSTILE = [
    "reports/my demo", "it's", '"', "$(shell touch hacked)", "$$(touch hacked)", "`touch hacked`", "a;touch hacked",
    "a\\", "$HOME", "#", "a,b", "'; touch hacked; '", "é",
]  # fmt: skip


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the Makefile, the locks, and a finished .venv whose pvtop notes its arguments."""
    for name in ("Makefile", "pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (0, 0))
    script(tmp_path / ".venv" / "bin" / "pvtop", ARGUMENTS)
    for marker in (".running", ".ready"):
        (tmp_path / ".venv" / marker).touch()
    return tmp_path


def make(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        [MAKE, *words],
        cwd=folder,
        env=inherited | {"CALLS": str(folder / "calls")} | environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def calls(folder: Path) -> str:
    found = folder / "calls"
    return found.read_text() if found.exists() else ""


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["report", "date=2024-08-03", "hour=6"], "date hour. It takes DATE HOUR SOURCE BLACKLIST OUTPUT PYTHON"),
        (["report", "Date=2024-08-03"], "make report does not take Date."),
        (["report", "START=2024-08-03"], "make report does not take START."),
        (["batch", "DATE=2024-08-03"], "DATE. It takes START END SOURCE BLACKLIST OUTPUT PYTHON"),
        (["days", "DATE=2024-08-03"], "make days does not take DATE. It takes START END SOURCE OUTPUT PYTHON"),
        (["days", "BLACKLIST=b"], "make days does not take BLACKLIST."),
        (["demo", "OUTPUT=elsewhere"], "make demo does not take OUTPUT. It takes PYTHON"),
        (["report", "BIN=elsewhere"], "make report does not take BIN."),
        (["date=2024-08-03"], "make help does not take date."),
    ],
)
def test_make_refuses_variables_that_a_target_does_not_take(folder: Path, words: list[str], named: str) -> None:
    done = make(folder, *words)
    assert done.returncode == 2
    assert named in done.stderr
    assert calls(folder) == ""


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    ("target", "variable", "option"), [("report", "OUTPUT", "--output"), ("batch", "START", "--start")]
)
def test_make_passes_a_value_as_it_is(folder: Path, target: str, variable: str, option: str, value: str) -> None:
    done = make(folder, target, f"{variable}={value}")
    assert done.returncode == 0, done.stderr
    assert calls(folder) == f"<{target}>\n<{option}>\n<{value}>\n"
    assert not (folder / "hacked").exists()


def test_make_passes_every_variable_to_its_option(folder: Path) -> None:
    make(folder, "report", "DATE=2024-08-03", "HOUR=6", "SOURCE=s", "BLACKLIST=b", "OUTPUT=o")
    make(folder, "batch", "START=2024-08-01", "END=2024-08-02")
    make(folder, "days", "START=2024-08-01", "END=2024-08-02", "SOURCE=s", "OUTPUT=o")
    report = "report --date 2024-08-03 --hour 6 --source s --blacklist b --output o"
    batch = "batch --start 2024-08-01 --end 2024-08-02"
    days = "days build --start 2024-08-01 --end 2024-08-02 --source s --output o"
    assert re.findall("<(.*)>", calls(folder)) == f"{report} {batch} {days}".split()


def test_make_passes_an_empty_value_on_so_that_pvtop_refuses_it(folder: Path) -> None:
    make(folder, "report", "DATE=")
    assert calls(folder) == "<report>\n<--date>\n<>\n"


def test_make_refuses_a_value_with_a_line_break(folder: Path) -> None:
    done = make(folder, "report", "DATE=2024-08-03\ntouch hacked")
    assert (done.returncode, calls(folder)) == (2, "")
    assert "DATE has more than one line" in done.stderr
    assert not (folder / "hacked").exists()


@pytest.mark.parametrize("flags", [[], ["-e"]])
def test_make_takes_no_variable_from_the_environment(folder: Path, flags: list[str]) -> None:
    surroundings = dict.fromkeys(["DATE", "HOUR", "SOURCE", "BLACKLIST", "OUTPUT", "START", "END"], "of the shell")
    make(folder, *flags, "report", **surroundings)
    make(folder, *flags, "batch", **surroundings)
    make(folder, *flags, "days", **surroundings)
    assert calls(folder) == "<report>\n<batch>\n<days>\n<build>\n"


def test_python_of_the_environment_is_not_used(folder: Path) -> None:
    (folder / ".venv" / ".running").unlink()
    assert "'python3' -m venv" in make(folder, "-n", "demo", PYTHON="another").stdout
    assert "'another' -m venv" in make(folder, "-n", "demo", "PYTHON=another").stdout


def test_demo_installs_only_what_running_needs(folder: Path) -> None:
    shutil.rmtree(folder / ".venv")
    demo, setup = make(folder, "-n", "demo").stdout, make(folder, "-n", "setup").stdout
    installed = re.compile(r"pip install .*?--requirement ([\w.-]+)")  # each twice: with uv, or else with pip
    assert installed.findall(demo)[1:] == ["requirements-run.lock"] * 2
    assert installed.findall(setup)[3:] == ["requirements.lock"] * 2


def test_setup_adds_to_what_demo_has_made(folder: Path) -> None:
    (folder / ".venv" / ".ready").unlink()
    assert "venv --clear" not in make(folder, "-n", "setup").stdout
    assert "venv --clear" not in make(folder, "-n", "demo").stdout


@pytest.mark.parametrize("name", ["pyproject.toml", *LOCKS])
def test_a_changed_lock_or_project_makes_venv_anew(folder: Path, name: str) -> None:
    after = (folder / ".venv" / ".ready").stat().st_mtime + 10
    os.utime(folder / name, (after, after))
    assert make(folder, "-n", "demo").stdout.count("venv --clear") == 1


def test_venv_is_made_anew_after_an_interrupted_setup(folder: Path) -> None:
    (folder / ".venv" / ".ready").unlink()
    script(folder / ".venv" / "bin" / "uv", "#!/bin/sh\nexit 1\n")
    script(folder / ".venv" / "bin" / "python", "#!/bin/sh\nexit 1\n")
    assert make(folder, "setup").returncode == 2
    assert "venv --clear" in make(folder, "-n", "demo").stdout


def test_pip_installs_if_uv_fails(folder: Path) -> None:
    (folder / ".venv" / ".ready").unlink()
    script(folder / ".venv" / "bin" / "uv", "#!/bin/sh\nexit 1\n")
    script(folder / ".venv" / "bin" / "python", ARGUMENTS)
    assert make(folder, "setup").returncode == 0
    assert calls(folder).startswith("<-m>\n<pip>\n<install>\n")


def test_lock_for_running_is_a_part_of_the_whole_lock() -> None:
    running, whole = (set(re.findall(r"(?m)^([\w.-]+==\S+)", (ROOT / name).read_text())) for name in LOCKS)
    assert running < whole
    assert len(running) <= 31
    assert not {name.partition("==")[0] for name in running} & {"pytest", "mypy", "hatchling", "uv", "s3fs", "datadog"}
