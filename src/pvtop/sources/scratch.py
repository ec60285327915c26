"""Scratch space below the cache folder: a folder of each run, which is removed at its end, and the sorted runs in it.

It is not in `/tmp`, because that may be in memory.
"""

from __future__ import annotations

import contextlib
import shutil
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pvtop.core.errors import OutputError
from pvtop.settings import NO_CACHE_DIR
from pvtop.sources.facts import no_cache_folder, translate_cache_errors
from pvtop.storage.atomic import ABANDONED_AFTER, TEMPORARY_SUFFIX, remove_abandoned, temporary_file
from pvtop.storage.locks import unlink_if_unlocked

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import NativeFile
    from pyarrow.ipc import RecordBatchFileReader, RecordBatchFileWriter

FOLDER = "scratch"
SUFFIX = ".files"
BATCH_ROWS = 1 << 14  # rows read at a time; a merge holds several batches of each run
COMPRESSION = "lz4"
COMPAT_LEVEL = pl.CompatLevel.oldest()  # strings with offsets: as views, they take twice the space


@contextlib.contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """Yield a new folder below the cache folder, and remove it at the end. Before that, remove those of killed runs.

    Raises:
        OutputError: The cache folder cannot be written.
    """
    if cache == NO_CACHE_DIR:
        raise no_cache_folder()
    sweep_scratch(cache)
    with contextlib.ExitStack() as stack:
        with translate_cache_errors(cache):
            lock = stack.enter_context(temporary_file(cache / FOLDER / "run"))
            folder = Path(lock.name + SUFFIX)
            folder.mkdir()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def sweep_scratch(cache: Path) -> None:
    """Remove the folders of killed runs: those whose lock nobody holds, or that have none."""
    for folder in (cache / FOLDER).glob(f".*{SUFFIX}"):
        with contextlib.suppress(OSError):
            if unlink_if_unlocked(folder.with_suffix(""), ABANDONED_AFTER):
                shutil.rmtree(folder)
    remove_abandoned(cache / FOLDER, f".*{TEMPORARY_SUFFIX}")


def check_room(cache: Path, wanted: int) -> None:
    """Check that the disk of the cache folder has room.

    Args:
        cache: The cache folder.
        wanted: Bytes of scratch space.

    Raises:
        OutputError: There is too little room, or the disk cannot be read.
    """
    with translate_cache_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(cache).free
    if free < wanted:
        raise OutputError(
            f"the cache folder {cache} has {free / 10**9:,.1f} GB left, and {wanted / 10**9:,.1f} GB are needed",
            "free some space, or choose another folder",
            setting="cache_dir",
        )


class RunWriter:
    """Writes a sorted run of pages to a file. Call `close` at the end. If a write fails, the file is closed.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._codes: dict[str, list[int]] = {}
        self._starts: list[int] = []
        self._rows = 0
        self._file: NativeFile | None = None
        self._writer: RecordBatchFileWriter | None = None

    def write(self, rows: pl.DataFrame) -> None:
        """Append rows that come after the rows before them.

        Args:
            rows: `domain_code` String, `page_title` String, `views` Int64; see `transform.runs.RunPart`.
        """
        counts = rows.get_column("domain_code").rle().struct.unnest()
        place = self._rows
        for count, code in counts.iter_rows():
            self._codes.setdefault(code, [place, place])[1] = place = place + count
        table = rows.drop("domain_code").to_arrow(compat_level=COMPAT_LEVEL)
        try:
            self._append(table)
        except BaseException:
            if self._file:  # a removed file takes space for as long as it is open
                self._file.close()
            raise

    def _append(self, table: pa.Table) -> None:
        import pyarrow as pa

        if self._writer is None:
            options = pa.ipc.IpcWriteOptions(compression=COMPRESSION, use_threads=False)
            self._file = pa.OSFile(str(self._path), "wb")
            self._writer = pa.ipc.new_file(self._file, table.schema, options=options)
        for batch in table.to_batches(max_chunksize=BATCH_ROWS):
            self._writer.write_batch(batch)
            self._starts.append(self._rows)
            self._rows += len(batch)

    def close(self) -> SortedRun:
        """Complete the file. Return the run."""
        if self._writer and self._file:
            with self._file:
                self._writer.close()
        return SortedRun(self._path, {code: range(*ends) for code, ends in self._codes.items()}, self._starts)


class SortedRun:
    """A sorted run of pages in a file.

    Attributes:
        codes: The rows of each domain, by domain code.
    """

    def __init__(self, path: Path, codes: dict[str, range], starts: list[int]) -> None:
        self._path = path
        self._starts = starts
        self.codes = codes
        self._held: tuple[int, pl.DataFrame] | None = None

    def read(self, code: str) -> Iterator[pl.DataFrame]:
        """Yield the rows of a domain: the columns that were written, without `domain_code`."""
        rows = self.codes[code]
        number = bisect_right(self._starts, rows.start) - 1
        while number < len(self._starts) and self._starts[number] < rows.stop:
            start, batch = self._starts[number], self._batch(number)
            first = max(rows.start - start, 0)
            yield batch.slice(first, min(rows.stop - start, len(batch)) - first)
            number += 1

    def close(self) -> None:
        """Close the file."""
        self._held = None
        if "_file" in self.__dict__:
            self._file.close()

    def remove(self) -> None:
        """Close the file and remove it."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _batch(self, number: int) -> pl.DataFrame:
        """Return a batch. The domains of a batch follow each other, so it is kept for the next one."""
        if self._held is None or self._held[0] != number:
            self._held = number, pl.DataFrame(pl.from_arrow(self._reader.get_batch(number)))
        return self._held[1]

    @cached_property
    def _file(self) -> NativeFile:
        import pyarrow as pa

        return pa.OSFile(str(self._path))

    @cached_property
    def _reader(self) -> RecordBatchFileReader:
        import pyarrow as pa

        return pa.ipc.open_file(self._file, options=pa.ipc.IpcReadOptions(use_threads=False))
