"""Load reports and rollups into a mart, each in one transaction."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

import polars as pl
from polars.exceptions import PanicException

from pvtop.core.errors import NotInLakeError, PvtopError, internal_error
from pvtop.core.hour import Hour
from pvtop.core.html import table as html_table
from pvtop.core.prefetch import prefetch
from pvtop.lake.lake import Lake
from pvtop.mart.parts import HourPart, Part
from pvtop.mart.replace import Ranked, loaded_provenances, replace_part
from pvtop.mart.schema import is_complete, make_schema
from pvtop.mart.session import Database, Known, Session

log = logging.getLogger(__name__)


class LoadState(StrEnum):
    """How the load of an hour or a rollup ended."""

    LOADED = "loaded"
    """It is in the mart, as it is in the lake."""
    UNCHANGED = "unchanged"
    """It was in the mart already."""
    MISSING = "missing"
    """It is not in the lake."""
    FAILED = "failed"
    """It could not be loaded. The mart has what it had before."""


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """How the load of an hour or a rollup ended.

    Attributes:
        part: The hour or the rollup.
        state: The state.
        rows: The facts that were loaded.
        error: Why it failed or is missing, else None.
    """

    part: Part
    state: LoadState
    rows: int = 0
    error: PvtopError | None = None


class LoadObserver(Protocol):
    """Receives the progress of a load."""

    def planned(self, parts: Sequence[Part], unchanged: int) -> None:
        """Receive what is loaded, and how many hours and rollups are in the mart already."""

    def finished(self, outcome: LoadOutcome) -> None:
        """Receive how the load of an hour or a rollup ended."""


@dataclass(slots=True)
class LoadResult:
    """The result of a load.

    Attributes:
        counts: The number of hours and rollups in each state.
        rows: The facts that were loaded.
        failures: The outcomes of those that failed.
        missing: The outcomes of those that are not in the lake.
    """

    counts: Counter[LoadState] = field(default_factory=Counter)
    rows: int = 0
    failures: list[LoadOutcome] = field(default_factory=list)
    missing: list[LoadOutcome] = field(default_factory=list)

    def add(self, outcome: LoadOutcome) -> None:
        """Count an outcome, and keep it if nothing was loaded."""
        self.counts[outcome.state] += 1
        self.rows += outcome.rows
        if outcome.state is LoadState.FAILED:
            self.failures.append(outcome)
        if outcome.state is LoadState.MISSING:
            self.missing.append(outcome)

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {state}" for state, count in sorted(self.counts.items()) if count)
        return f"{counts or 'nothing to load'}; {self.rows:,} rows"

    def __repr__(self) -> str:
        return f"<LoadResult: {self}>"

    def _repr_html_(self) -> str:
        """Return the counts and what was not loaded, as notebooks show them."""
        rows = [(outcome.part.label, f"{outcome.state}: {outcome.error}") for outcome in self.failures + self.missing]
        return html_table(f"Load: {self}", rows)


class Loader:
    """Loads hours and rollups into a mart. Use it in a `with` block.

    Makes the schema before the first look-up or load, if there is none.

    Args:
        database: The mart.
        lake: Where the reports are.
    """

    def __init__(self, database: Database, lake: Lake) -> None:
        self._database = database
        self._lake = lake
        self._session: Session | None = None
        self._has_warned = False
        self._has_schema = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._disconnect()

    def lacking(self, parts: Sequence[Part]) -> list[Part]:
        """Return the parts that the mart lacks, or has from another report.

        Raises:
            MartError: The mart cannot be reached or written.
            OutputError: The lake cannot be read.
        """
        known = self._known(parts)
        return [part for part in parts if part not in known or part.provenance(self._lake) != known[part]]

    def following(self, parts: Sequence[HourPart]) -> Callable[[Hour], None]:
        """Return a function that loads an hour, unless the mart has its report.

        Looks up once, now, what the mart has. Then closes the connection, because the first hour may take long.

        Args:
            parts: The hours that the function may be called with.

        Raises:
            MartError: The mart cannot be reached or written.
        """
        known = self._known(parts)
        self._disconnect()

        def load(hour: Hour) -> None:
            part = HourPart(hour)
            if part not in known or part.provenance(self._lake) != known[part]:
                self.load(part)

        return load

    def _known(self, parts: Sequence[Part]) -> dict[Part, str]:
        """Return the parts that the mart has, each with its provenance."""
        self._make_schema()
        with self._connected() as session:
            return loaded_provenances(session, parts)

    def load_all(self, parts: Iterable[Part]) -> Iterator[LoadOutcome]:
        """Load parts one after another, and yield how each ended.

        Raises:
            MartError: The mart cannot be reached.
        """
        reads = ((part, self._read(part)) for part in parts)
        for part, rows in prefetch(reads, self._look) if self._database.works_elsewhere else reads:
            yield self._load(part, rows)

    def load(self, part: Part) -> int:
        """Load a part, in place of what the mart has of it. Return the number of its facts.

        Closes the connection, because a server would end it if the next part took long.

        Raises:
            PvtopError: It cannot be read or loaded. The mart has what it had before.
        """
        outcome = self._load(part, self._read(part))
        self._disconnect()
        if outcome.error:
            raise outcome.error
        return outcome.rows

    def _read(self, part: Part) -> Ranked | PvtopError:
        """Return the rows of a part, or why it cannot be read."""
        try:
            return Ranked.of(part.read(self._lake), self._database.known)
        except (Exception, PanicException) as error:  # an error of one part, even a bug, must not stop the others
            log.debug("%s", part.label, exc_info=True)
            return _expected(error)

    def _storable(self, ranked: Ranked) -> Ranked:
        """Replace the character that the database cannot store. Warn the first time."""
        if not self._database.replaces:
            return ranked
        bad, good = self._database.replaces
        domain, page = pl.col("domain_name"), pl.col("page_name")
        if not (_has(ranked.domains, domain, bad) or _has(ranked.pages, page, bad)):
            return ranked
        if not self._has_warned:
            text = "the mart cannot store U+%04X in a title or a domain code: it becomes U+%04X there"
            log.warning(text, ord(bad), ord(good))
            self._has_warned = True
        return replace(
            ranked,
            domains=ranked.domains.with_columns(domain.str.replace_all(bad, good, literal=True)),
            pages=ranked.pages.with_columns(page.str.replace_all(bad, good, literal=True)),
        )

    def _load(self, part: Part, rows: Ranked | PvtopError) -> LoadOutcome:
        """Load what was read. If that fails, the next part gets a new connection.

        Raises:
            MartError: The mart cannot be reached.
        """
        if isinstance(rows, PvtopError):
            state = LoadState.MISSING if isinstance(rows, NotInLakeError) else LoadState.FAILED
            return LoadOutcome(part, state, error=rows)
        self._make_schema()
        self._connect()  # not below: a mart that cannot be reached ends the load
        try:
            with self._connected() as session:
                mart_id = replace_part(session, part, self._storable(rows), self._database.known)
                self._database.known = Known(mart_id, rows.domains, rows.pages)
        except (Exception, PanicException) as error:  # as above
            log.debug("%s", part.label, exc_info=True)
            return LoadOutcome(part, LoadState.FAILED, error=_expected(error))
        return LoadOutcome(part, LoadState.LOADED, len(rows.facts))

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Session]:
        """Yield a session. Keep it for the next use, unless others wait for its end or the block fails.

        Raises:
            MartError: The mart cannot be reached, or the block failed.
        """
        session, keeps_connection = self._connect(), False
        try:
            with self._database.translated():
                yield session
            keeps_connection = self._database.keeps_connection
        finally:
            if not keeps_connection:
                self._disconnect()

    def _connect(self) -> Session:
        self._session = self._session or self._database.connect()
        return self._session

    def _look(self) -> None:
        """Connect, and look whether the schema is there.

        Raises:
            MartError: The mart cannot be reached, or is of another version.
        """
        with self._connected() as session:
            self._has_schema = self._has_schema or is_complete(session, self._database.address)

    def _make_schema(self) -> None:
        """Make the schema before the first look-up or load, if there is none.

        Raises:
            MartError: The mart cannot be reached or written.
        """
        if not self._has_schema:
            with self._connected() as session:
                make_schema(session, self._database.address)
        self._has_schema = True

    def _disconnect(self) -> None:
        if self._session:
            self._session.close()
        self._session = None


def _has(frame: pl.DataFrame, name: pl.Expr, character: str) -> bool:
    return bool(frame.select(name.str.contains(character, literal=True).any()).item())


def _expected(error: BaseException) -> PvtopError:
    return error if isinstance(error, PvtopError) else internal_error(error)
