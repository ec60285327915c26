"""Put the rows of an hour or a rollup into the mart, in place of those that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

import polars as pl
from sqlalchemy import ColumnElement, Table, select

from pvtop.mart.ids import same_id, with_ids
from pvtop.mart.parts import Key, Part
from pvtop.mart.session import Known, Session
from pvtop.transform.domains import with_domains
from pvtop.transform.report import Report
from pvtop.transform.rollup import Rollup

COLUMNS = {"domain_code": "domain_name", "page_title": "page_name", "views": "num_views", "rank": "num_views_rank"}
"""The columns of reports and rollups that have other names in the mart."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A report or a rollup as rows of the mart.

    Attributes:
        provenance: Its provenance as JSON.
        domains: `domain_dim_id` and `domain_name`, by id.
        pages: `page_dim_id` and `page_name`, by id.
        facts: The columns of facts, but for those of the part and the times.
    """

    provenance: str
    domains: pl.DataFrame
    pages: pl.DataFrame
    facts: pl.DataFrame

    @classmethod
    def of(cls, found: Report | Rollup, known: Known | None = None) -> Self:
        """Return the rows of a report or a rollup.

        Args:
            found: The report or the rollup.
            known: Names of any mart, with their ids. Most of the 29,000 pages of an hour are also in the hour before,
                so few ids have to be computed.

        Raises:
            MartError: Two names have the same id.
        """
        ranked = found.top_pages.rename(COLUMNS, strict=False)
        domain_ids, domains = with_ids(ranked["domain_name"], "domain_dim_id", known.domains if known else None)
        page_ids, pages = with_ids(ranked["page_name"], "page_dim_id", known.pages if known else None)
        facts = ranked.drop("domain_name", "page_name").with_columns(domain_ids, page_ids)
        return cls(found.provenance.to_json(), domains, pages, facts)


def replace_part(session: Session, part: Part, ranked: Ranked, known: Known | None = None) -> str:
    """Replace the rows of a part in the mart, in one transaction. Return the id of the mart.

    First comes the row that says that the part is loaded: a second loader of the same part waits for it. Then come the
    dimensions, by id: all loaders wait for each other's rows in this order, so they cannot deadlock.

    Args:
        session: The mart.
        part: The part.
        ranked: Its rows.
        known: Names from an earlier load. They need no look-up if their `mart_id` is that of this mart.

    Raises:
        MartError: A name has the id of another one in the mart.
    """
    facts, loads = part.facts(session.tables), part.loads(session.tables)
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    session.make_room(part)
    with session.transaction():
        mart_id = session.mart_id()
        new = _unknown(ranked, known) if known and known.mart_id == mart_id else ranked
        row = {"provenance": ranked.provenance, "num_rows": len(ranked.facts), "create_time": now, "loaded_at": now}
        session.upsert(loads, {**part.key, **row})
        ((created,),) = session.run(select(loads.c.create_time).where(*matches(loads, part)))  # of the first load
        _add_domains(session, new.domains, now)
        _add_missing(session, session.tables.page_dim, new.pages, now)
        session.run(facts.delete().where(*matches(facts, part)))
        rows = part.fact_columns(ranked.facts).with_columns(**_literals(part.key, created, now))
        session.insert(facts, rows.sort("domain_dim_id", "num_views_rank"))  # in the order of the key, which is faster
    return mart_id


def matches(table: Table, part: Part) -> list[ColumnElement[bool]]:
    """Return the conditions that rows of a part meet."""
    return [table.c[name] == value for name, value in part.key.items()]


def loaded_provenances(session: Session, parts: Sequence[Part]) -> dict[Part, str]:
    """Return the parts that are loaded, each with its provenance."""
    by_row = {(part.loads(session.tables).name, *part.key.values()): part for part in parts}
    found = {}
    for loads in {part.loads(session.tables) for part in parts}:
        keys = [column for column in loads.columns if column.primary_key]
        for *key, provenance in session.run(select(*keys, loads.c.provenance)):
            if part := by_row.get((loads.name, *key)):
                found[part] = provenance
    return found


def _literals(key: Key, created: datetime, now: datetime) -> dict[str, pl.Expr]:
    """Return the columns that all facts of a part have in common."""
    values = {**key, "create_time": created, "update_time": now}
    return {name: pl.lit(value) for name, value in values.items()}


def _unknown(ranked: Ranked, known: Known) -> Ranked:
    """Return rows without the names that are known."""
    domains, pages = _without(ranked.domains, known.domains), _without(ranked.pages, known.pages)
    return replace(ranked, domains=domains, pages=pages)


def _without(names: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the names that are not known. If a known name has the id of another name, the other one is not known."""
    id_, name = names.columns
    found = names.join(known, on=id_, how="left", suffix="_known")  # numbers take half the time of names
    return found.filter(pl.col(f"{name}_known").ne_missing(pl.col(name))).select(id_, name)


def _add_domains(session: Session, domains: pl.DataFrame, now: datetime) -> None:
    """Insert the domains that the mart lacks. Look all up first: they are few, and decoding them takes longer.

    Raises:
        MartError: A name has the id of another one.
    """
    if domains.is_empty():
        return
    dimension = session.tables.domain_dim
    known = set(session.run(select(dimension.c.domain_dim_id, dimension.c.domain_name)))
    missing = [row not in known for row in domains.iter_rows()]
    if any(missing):
        codes = domains.filter(missing).rename({"domain_name": "domain_code"})
        meaning = with_domains(codes).rename({"domain_code": "domain_name"})
        _add_missing(session, dimension, meaning.select(*domains.columns, "project", "language", "access", "host"), now)


def _add_missing(session: Session, dimension: Table, rows: pl.DataFrame, now: datetime) -> None:
    """Insert the rows that a dimension lacks, by id. Check the names of all of them.

    Raises:
        MartError: A name has the id of another one.
    """
    for name, other in session.add_missing(dimension, rows, now):
        raise same_id(name, other)
