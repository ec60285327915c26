"""Fixtures of all tests: the command, dumps written by hand, a server on loopback, S3."""

from __future__ import annotations

import gzip
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import fsspec
import hypothesis
import pytest
import typer.main

from pvtop.cli import main
from pvtop.core.hour import Hour
from pvtop.settings import Settings
from support.samples import HOUR, Command, WriteDump
from support.server.files import Server
from support.server.s3 import S3Proxy, s3_server

# Enough for `make test`, which must take minutes. `make fuzz` generates many more.
hypothesis.settings.register_profile(
    "test", max_examples=70, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("fuzz", hypothesis.settings.get_profile("test"), max_examples=26_000)
hypothesis.settings.load_profile("test")

KEPT: list[dict[str, object]] = []  # file systems: one that is collected may leave a warning


def pytest_xdist_auto_num_workers() -> int:
    """Return how many tests to run at once: one more than there are cores, because some tests wait for time-outs."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def _commands_made_once() -> Iterator[None]:
    """Let Typer make the commands once for all runs in this process. That takes a third of the time of a short run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's settings, cache and pvtop.toml out of the tests. Shorten the waits between attempts."""
    for name in [name for name in os.environ if name.startswith(("PVTOP_", "PYTHON")) and name != "PYTHONPATH"]:
        monkeypatch.delenv(name)  # Python's own, too: unbuffered, it meets fewer failures than users do
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # so pvtop.toml is looked for in this folder only
    monkeypatch.setenv("PVTOP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PVTOP_BACKOFF", "0.01")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Become somebody without a home folder, as in a container: no HOME, and no entry in the list of users."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    for name in ("HOME", "PVTOP_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    mask = os.umask(0)  # the other user may write the folders of the test
    os.setreuid(54_321, -1)  # the real user only, which counts here; so the effective user can undo it
    yield
    os.setreuid(os.geteuid(), -1)
    os.umask(mask)


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a running server on loopback."""
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """Yield the address of an S3 server for all tests."""
    with s3_server() as address:
        yield address


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> fsspec.AbstractFileSystem:
    """Return an S3 server with one empty bucket."""
    pytest.importorskip("s3fs")
    for name, value in {
        "AWS_ENDPOINT_URL": s3_address,
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "verysecret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    files = fsspec.filesystem(
        "s3", use_listings_cache=False
    )  # kept by fsspec: one that is collected may leave a warning
    if files.exists("bucket"):
        files.rm("bucket", recursive=True)
    files.mkdir("bucket")
    return files


@pytest.fixture
def s3_proxy(s3: fsspec.AbstractFileSystem, s3_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """Run a proxy before the S3 server that can answer in its place."""
    assert s3.exists("bucket")
    with S3Proxy(s3_address) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        KEPT.append({})
        monkeypatch.setattr(type(s3), "_cache", KEPT[-1])  # fsspec would go on with file systems of the server itself
        yield proxy


@pytest.fixture
def write_dump(tmp_path: Path) -> WriteDump:
    """Return a function that writes a dump into the source `tmp_path / "source"`."""

    def write(content: bytes | str, hour: Hour = HOUR) -> Path:
        path = tmp_path / "source" / hour.dump_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content.encode() if isinstance(content, str) else content, 1, mtime=0))
        return path

    return write


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings for `tmp_path / "source"`, no blacklist, and a lake in `tmp_path / "lake"`."""
    return Settings.load(source=str(tmp_path / "source"), blacklist="none", output=str(tmp_path / "lake"))


@pytest.fixture
def pvtop_process() -> Command:
    """Return a function that runs `pvtop` in a process, as a user does."""

    def run(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("pvtop")), *map(str, args)]
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", env=os.environ | environment, timeout=600, check=False
        )

    return run


@pytest.fixture
def pvtop_in_process(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Yield a function that runs `pvtop` in this process, which saves the time to start one."""

    def run(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = ["pvtop", *map(str, args)]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", command)
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        assert ended.value.code is None or isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(command, ended.value.code or 0, *capfd.readouterr())

    yield run
    log = logging.getLogger("pvtop")  # later tests must not see the command's log settings
    log.handlers.clear()
    log.setLevel(logging.NOTSET)
