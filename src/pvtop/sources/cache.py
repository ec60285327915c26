"""The cache: dumps and blacklists on disk, each with its facts beside it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pvtop.core.address import public
from pvtop.core.errors import CorruptError, OutputError
from pvtop.core.hour import Hour
from pvtop.sources.facts import FileFacts, LocalFile, VerifiedFile, sidecar, writing
from pvtop.storage.atomic import SUFFIX, write_atomic
from pvtop.storage.gzip import verify_gzip
from pvtop.storage.locks import unlink_if_unlocked

DUMPS = "[0-9][0-9][0-9][0-9]/*/pageviews-*.gz"


@dataclass(frozen=True, slots=True)
class CachedDump:
    """A dump in the cache, as `pvtop cache ls` shows it."""

    hour: Hour
    path: Path
    bytes: int
    modified: datetime


class Cache:
    """A folder with dumps below `YYYY/YYYY-MM/`, and blacklists, parsed ones too, below `blacklists/`.

    Args:
        folder: Need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def dump(self, hour: Hour) -> Path:
        """Give the place of an hour's dump."""
        return self.folder / hour.dump_path

    def blacklist(self, address: str) -> Path:
        """Give the place of the blacklist of an address."""
        return self.folder / "blacklists" / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}.txt"

    def parsed_blacklist(self, address: str) -> Path:
        """Give the place of what the blacklist of an address was parsed into."""
        return self.blacklist(address).with_suffix(".parsed")

    @staticmethod
    def find(path: Path, address: str) -> LocalFile | None:
        """Give a cached file, None where it is not there, comes from another address, or is not as long as it was."""
        facts = FileFacts.read(path)
        if facts is None or facts.address != public(address) or not path.is_file():
            return None
        return LocalFile(path, facts, cached=True) if path.stat().st_size == facts.bytes else None

    def verified(self, address: str) -> VerifiedFile | None:
        """Return the last verification of the file at an address, None if there is no record that can be read."""
        try:
            found = VerifiedFile.from_json(self._record(address).read_text())
        except (OSError, ValueError):
            return None
        return found if found and found.address == address else None

    def remember(self, facts: FileFacts, modified: datetime) -> None:
        """Record the digest of a file. Without the record, the file is verified once more; so a failure is no error.

        Args:
            facts: The file.
            modified: When it was last changed, as its folder or its listing tells.
        """
        record = VerifiedFile(facts.address, facts.bytes, modified, facts.sha256)
        with contextlib.suppress(OSError):
            write_atomic(self._record(facts.address), record.to_json().encode())

    def _record(self, address: str) -> Path:
        digest = hashlib.sha256(address.encode()).hexdigest()[:32]
        return self.folder / "verified" / digest[:2] / f"{digest}.json"

    def dumps(self) -> Iterator[CachedDump]:
        """Give the dumps in the cache, the oldest hour first.

        Raises:
            OutputError: It cannot be read.
        """
        for path in sorted(self._files()):
            if not path.relative_to(self.folder).match(DUMPS) or path.parents[2] != self.folder:
                continue
            hour, status = Hour.of_dump(path.name), _stat(path)
            if hour and status:
                yield CachedDump(hour, path, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def _files(self) -> Iterator[Path]:
        """Give all files; `Path.glob` would pass over folders that cannot be read."""
        walk = os.walk(self.folder, onerror=self._refuse)
        return (Path(folder, name) for folder, _, names in walk for name in names)

    def _refuse(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            what_to_do = "check its permissions, or choose another folder with --cache-dir"
            raise OutputError(f"the cache folder {self.folder} cannot be read: {error.strerror}", what_to_do) from error

    def broken(self) -> Iterator[tuple[CachedDump, str]]:
        """Read every dump in the cache anew, and give those that are not what was downloaded, with the reason."""
        for dump in self.dumps():
            facts = FileFacts.read(dump.path)
            try:
                digest = verify_gzip(dump.path, dump.path.name)
            except CorruptError as error:
                yield dump, error.message
                continue
            if facts is None:
                yield dump, f"{dump.path.name} has no facts beside it; it will be downloaded again"
            elif facts.sha256 != digest:
                yield dump, f"{dump.path.name} has changed since it was downloaded"

    def prunable(self, older_than: timedelta | None, max_bytes: int | None) -> list[CachedDump]:
        """Give the dumps to remove, the longest downloaded first.

        Args:
            older_than: Remove what was downloaded longer ago.
            max_bytes: Then remove, until no more than this is left.
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
        """Remove a dump and its facts, unless it is being read; tell whether it is gone.

        Raises:
            OutputError: It cannot be removed.
        """
        with writing(self.folder):
            gone = unlink_if_unlocked(dump.path)
            if gone:
                sidecar(dump.path).unlink(missing_ok=True)
        return gone

    def sweep(self) -> None:
        """Remove what transfers that were killed have left; not what is being written.

        Raises:
            OutputError: It cannot be removed.
        """
        with writing(self.folder):
            for abandoned in self._files():
                if abandoned.match(f".*{SUFFIX}") and abandoned.is_file():
                    unlink_if_unlocked(abandoned)


def _stat(path: Path) -> os.stat_result | None:
    """Give a file's size and times; None where it is none, or another process has just removed it."""
    try:
        status = path.stat()
    except OSError:  # also of a link that leads nowhere or to itself
        return None
    return status if stat.S_ISREG(status.st_mode) else None
