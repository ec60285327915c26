"""The cache folder: downloaded dumps and blacklists, each with its facts in a JSON file beside it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pvtop.core.address import Address
from pvtop.core.errors import CorruptError, OutputError
from pvtop.core.hour import Hour
from pvtop.settings import NO_CACHE_DIR
from pvtop.sources.facts import MAX_RECORD_BYTES, FileFacts, KnownDigest, LocalFile, sidecar, translate_cache_errors
from pvtop.sources.scratch import sweep_scratch
from pvtop.storage.atomic import ABANDONED_AFTER, TEMPORARY_SUFFIX
from pvtop.storage.folders import walk_files
from pvtop.storage.gzip import verify_gzip
from pvtop.storage.locks import unlink_if_unlocked
from pvtop.storage.regular_file import is_something_else, open_regular

DUMP_GLOB = "[0-9][0-9][0-9][0-9]/*/pageviews-*.gz"


class CachedDump(NamedTuple):
    """A dump in the cache.

    Attributes:
        hour: The hour.
        path: The file.
        bytes: Its size.
        modified: When it was downloaded, in UTC.
    """

    hour: Hour
    path: Path
    bytes: int
    modified: datetime


class Cache:
    """A folder with dumps in `YYYY/YYYY-MM/`, blacklists in `blacklists/`, and known digests in `verified/`.

    Args:
        folder: The folder. It need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def dump_path(self, hour: Hour) -> Path:
        """Return the path of the dump of an hour."""
        return self.folder / hour.dump_path

    def blacklist_path(self, address: Address) -> Path:
        """Return the path of the blacklist from an address."""
        return self.folder / "blacklists" / f"{hashlib.sha256(address.with_secrets().encode()).hexdigest()[:16]}.txt"

    def parsed_blacklist_path(self, address: Address) -> Path:
        """Return the path of the file that holds the parsed blacklist of an address."""
        return self.blacklist_path(address).with_suffix(".parsed")

    @staticmethod
    def find(path: Path, address: Address) -> LocalFile | None:
        """Return a cached file with its facts.

        Return None if the file does not exist, comes from another address, or has a different size from its facts.
        """
        facts = FileFacts.read(path)
        if facts is None or facts.address != str(address) or not path.is_file():
            return None
        return LocalFile(path, facts, cached=True) if path.stat().st_size == facts.bytes else None

    def recall_digest(self, address: str) -> KnownDigest | None:
        """Return the record of a file's last verification, or None if the record is missing or damaged."""
        try:
            with open_regular(self._record(address)) as file:
                found = KnownDigest.from_json(file.read(MAX_RECORD_BYTES).decode())
        except (OSError, ValueError):
            return None
        return found if found and found.address == address else None

    def remember_digest(self, facts: FileFacts, modified: datetime) -> None:
        """Record the digest of a file. Does not raise if that fails. The file is then verified again on next use.

        Args:
            facts: The facts of the file.
            modified: Its modification time, from the file system or from the listing of its folder.
        """
        record, path = KnownDigest(facts.address, facts.bytes, modified, facts.sha256), self._record(facts.address)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if is_something_else(path):
                return
            path.write_text(record.to_json())  # in place: half a record is no JSON, and no temporary file can be left

    def _record(self, address: str) -> Path:
        digest = hashlib.sha256(address.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self.folder / "verified" / digest[:2] / f"{digest}.json"

    def dumps(self) -> Iterator[CachedDump]:
        """Yield the dumps in the cache, the oldest hour first.

        Raises:
            OutputError: The cache folder cannot be read.
        """
        for path in sorted(self._files()):
            if not path.relative_to(self.folder).match(DUMP_GLOB) or path.parents[2] != self.folder:
                continue
            hour, status = Hour.from_dump_name(path.name), _stat(path)
            if hour and status:
                yield CachedDump(hour, path, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def _files(self) -> Iterator[Path]:
        """Yield all regular files, also below links to folders."""
        if self.folder == NO_CACHE_DIR:
            return
        try:
            for name, _ in walk_files(self.folder):
                yield self.folder / name
        except OSError as error:
            message = f"cannot read the cache folder {self.folder}: {error.strerror}"
            hint = "check its permissions, or choose another folder"
            raise OutputError(message, hint, setting="cache_dir") from error

    def damaged(self) -> Iterator[tuple[CachedDump, str]]:
        """Verify every dump in the cache. Yield those that differ from the downloaded file, with the reason.

        Raises:
            OutputError: The cache folder cannot be read.
        """
        for dump in self.dumps():
            facts = FileFacts.read(dump.path)
            try:
                digest = verify_gzip(dump.path, dump.path.name)
            except CorruptError as error:
                yield dump, error.message
                continue
            if facts is None:
                yield dump, f"{dump.path.name} has no .json file beside it; the next run downloads it again"
            elif facts.sha256 != digest:
                yield dump, f"{dump.path.name} has changed since it was downloaded"

    def prunable(self, older_than: timedelta | None, max_bytes: int | None) -> list[CachedDump]:
        """Return the dumps to remove, the oldest download first.

        Args:
            older_than: Remove dumps downloaded more than this long ago.
            max_bytes: Then remove the oldest downloads until no more than this is left.

        Raises:
            OutputError: The cache folder cannot be read.
        """
        dumps = sorted(self.dumps(), key=lambda dump: (dump.modified, dump.hour))
        total = sum(dump.bytes for dump in dumps)
        chosen = []
        for dump in dumps:
            expired = older_than is not None and datetime.now(UTC) - dump.modified > older_than
            if expired or (max_bytes is not None and total > max_bytes):
                chosen.append(dump)
                total -= dump.bytes
        return chosen

    def remove(self, dump: CachedDump) -> bool:
        """Remove a dump and its facts unless a process is reading it. Return whether it is gone.

        Raises:
            OutputError: The dump cannot be removed.
        """
        with translate_cache_errors(self.folder):
            gone = unlink_if_unlocked(dump.path)
            if gone:
                sidecar(dump.path).unlink(missing_ok=True)
        return gone

    def sweep(self) -> None:
        """Remove the temporary files and the scratch space of killed processes. Keep what is being written.

        Raises:
            OutputError: A file cannot be removed.
        """
        sweep_scratch(self.folder)
        with translate_cache_errors(self.folder):
            for abandoned in self._files():
                if abandoned.match(f".*{TEMPORARY_SUFFIX}"):
                    unlink_if_unlocked(abandoned, ABANDONED_AFTER)


def _stat(path: Path) -> os.stat_result | None:
    """Return the status of a file, None if it was just removed."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
