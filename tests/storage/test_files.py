"""Failures of file systems: a full disk, a broken upload, S3 without its package."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import fsspec
import pytest
from aiohttp import web

from pvtop.core.address import Address
from pvtop.core.errors import OutputError
from pvtop.lake.day_files import DAMAGED
from pvtop.lake.failures import LAKE
from pvtop.storage.filesystem import TEMPORARY_FOLDER
from pvtop.storage.local import LocalFileSystem
from pvtop.storage.registry import open_filesystem
from support.disks import mounted_at
from support.server.behaviours import slow_start
from support.server.files import Behaviour
from support.server.s3 import S3Proxy, s3_error

CONTENT = bytes(range(256)) * 20_000
PATH = "days/day=2024-12-30/pages.parquet"


def written(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "local"
    path.write_bytes(content)
    return path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_failed_put_keeps_the_earlier_file(tmp_path: Path) -> None:
    with mounted_at(tmp_path / "lake", "-t", "tmpfs", "-o", "size=100k", "tmpfs"):
        filesystem = LocalFileSystem(Address.at("lake"), LAKE, tmp_path / "lake")
        filesystem.put(PATH, written(tmp_path, b"earlier"))
        with pytest.raises(OutputError, match="No space left"):
            filesystem.put(PATH, written(tmp_path))
        assert filesystem.content(PATH) == b"earlier"
        assert files(tmp_path / "lake") == [PATH]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_put_refuses_what_is_not_a_file(tmp_path: Path, make: object) -> None:
    target = tmp_path / "lake" / PATH
    target.parent.mkdir(parents=True)
    make(target)  # type: ignore[operator] # both take a path
    filesystem = LocalFileSystem(Address.at("lake"), LAKE, tmp_path / "lake")
    with pytest.raises(OutputError, match="it is not a regular file"):
        filesystem.put(PATH, written(tmp_path))
    assert not files(tmp_path / "lake" / TEMPORARY_FOLDER)


def test_missing_bucket_is_an_error(tmp_path: Path, s3: fsspec.AbstractFileSystem) -> None:
    filesystem = open_filesystem(Address.at("s3://nowhere/lake"), LAKE, 20)
    with pytest.raises(OutputError, match="cannot write the lake s3://nowhere/lake"):
        filesystem.put(PATH, written(tmp_path))
    assert s3.ls("") == ["bucket"]


def is_second_part(request: web.Request) -> bool:
    return request.method == "PUT" and request.query.get("partNumber") == "2"


UPLOAD_FAULTS: dict[str, tuple[Behaviour, float, str]] = {  # how the second part is answered, the time limit
    "silent": (slow_start, 5, "it did not answer in time"),
    "refusing": (s3_error(403, "AccessDenied"), 20, "AccessDenied"),
}


@pytest.mark.parametrize("fault", UPLOAD_FAULTS)
def test_failed_upload_keeps_the_earlier_object_and_leaves_no_parts(
    tmp_path: Path, s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy, fault: str
) -> None:
    answer, seconds, message = UPLOAD_FAULTS[fault]
    s3.pipe_file(f"bucket/lake/{PATH}", b"earlier")
    s3_proxy.misbehave(answer, is_second_part)
    with pytest.raises(OutputError, match=f"cannot write the lake s3://bucket/lake: .*{message}"):
        open_filesystem(Address.at("s3://bucket/lake"), LAKE, seconds).put(PATH, written(tmp_path, 4 * CONTENT))
    gc.collect()  # must not complete it
    assert s3_proxy.refused
    assert s3.cat_file(f"bucket/lake/{PATH}") == b"earlier"
    assert not s3.call_s3("list_multipart_uploads", Bucket="bucket").get("Uploads")


def test_upload_to_a_silent_bucket_can_be_interrupted(
    tmp_path: Path, s3: fsspec.AbstractFileSystem, s3_proxy: S3Proxy
) -> None:
    filesystem, asked = open_filesystem(Address.at("s3://bucket/lake"), LAKE, 600), Event()

    def is_asked(request: web.Request) -> bool:
        if is_second_part(request):
            asked.set()
        return is_second_part(request)

    def close() -> None:
        asked.wait()
        filesystem.close()

    s3_proxy.misbehave(slow_start, is_asked)
    interrupt = Thread(target=close)
    interrupt.start()
    with pytest.raises(OutputError, match="it was interrupted"):
        filesystem.put(PATH, written(tmp_path, 4 * CONTENT))
    interrupt.join()
    assert not s3.exists(f"bucket/lake/{PATH}")


def test_object_that_fails_while_it_is_read_is_an_error(tmp_path: Path, s3: fsspec.AbstractFileSystem) -> None:
    filesystem = open_filesystem(Address.at("s3://bucket/lake"), LAKE, 20)
    filesystem.put(PATH, written(tmp_path))
    file = filesystem.open(PATH)
    assert file is not None
    s3.rm_file(f"bucket/lake/{PATH}")
    with pytest.raises(OutputError, match="cannot read the lake s3://bucket/lake: ") as error:
        file.read(1)
    assert error.value.remedy not in DAMAGED, "the day file may be as good as ever"


OPEN_AT_THE_END = """
import fsspec
from pvtop.core.address import Address
from pvtop.lake.failures import LAKE
from pvtop.storage.registry import open_filesystem

fsspec.filesystem("memory").pipe_file("/lake/file", b"content")
file = open_filesystem(Address.at("memory://lake"), LAKE, 20).open("file")
print(file.read(7))
"""


def test_open_file_does_not_keep_the_program_from_ending() -> None:
    done = subprocess.run([sys.executable, "-c", OPEN_AT_THE_END], check=True, capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"b'content'\n", b"")
