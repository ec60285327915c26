"""Put the rows of an hour or a rollup into the mart, in place of those that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import polars as pl
from sqlalchemy import ColumnElement, Table, literal, select

from pvtop.mart.ids import distinct_names, name_ids, same_id
from pvtop.mart.parts import Key, Part
from pvtop.mart.session import Session
from pvtop.transform.domains import with_domains
from pvtop.transform.report import Report
from pvtop.transform.rollup import Rollup

TIMES = ("create_time", "update_time")


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
    def of(cls, found: Report | Rollup) -> Self:
        """Return the rows of a report or a rollup.

        Raises:
            MartError: Two names have the same id.
        """
        ranked = found.top_pages
        titles, codes = ranked.get_column("page_title"), ranked.get_column("domain_code")
        page_ids = pl.Series("page_dim_id", name_ids(titles.to_list()), pl.Int64)
        distinct = codes.unique()  # in a report of 42,500 pages, 1,700 codes, but 39,000 titles
        domains = distinct_names(
            pl.Series("domain_dim_id", name_ids(distinct.to_list()), pl.Int64), distinct.alias("domain_name")
        )
        domain_ids = codes.to_frame().join(
            domains, left_on="domain_code", right_on="domain_name", maintain_order="left"
        )
        numbers = {"num_views": "views", "num_views_rank": "rank", "mobile_views": "mobile_views"}
        facts = ranked.select(pl.col(old).alias(new) for new, old in numbers.items() if old in ranked.columns)
        return cls(
            found.provenance.to_json(),
            domains,
            distinct_names(page_ids, titles.alias("page_name")),
            facts.with_columns(domain_ids.get_column("domain_dim_id"), page_ids),
        )


def replace_part(session: Session, part: Part, ranked: Ranked) -> None:
    """Put the rows of a part into the mart, in place of those that it has of it. All in one transaction.

    The row that says that the part is loaded comes first: a second loader of the same part waits for it. Then the
    dimensions by id: loaders that wait for each other's rows wait in one order, so never in a circle.

    Raises:
        MartError: A name has the id of another one in the mart.
    """
    facts, loads = part.facts(session.tables), part.loads(session.tables)
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    session.make_room(part)
    with session.transaction():
        created = next(
            (found for (found,) in session.run(select(loads.c.create_time).where(*matches(loads, part)))), now
        )
        row = {"provenance": ranked.provenance, "num_rows": len(ranked.facts), "create_time": created, "loaded_at": now}
        session.upsert(loads, {**part.key, **row})
        _add_domains(session, ranked.domains, now)
        _add_missing(session, session.tables.page_dim, ranked.pages, now)
        session.run(facts.delete().where(*matches(facts, part)))
        rows = part.fact_columns(ranked.facts).with_columns(**_literals(part.key, created, now))
        session.insert(facts, rows.sort("domain_dim_id", "num_views_rank"))  # in the order of the key, which is faster


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


def _add_domains(session: Session, domains: pl.DataFrame, now: datetime) -> None:
    """Insert the domains that the mart lacks. They are few, so they are looked up first: decoding them takes longer.

    Raises:
        MartError: A name has the id of another one.
    """
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
    staged = session.tables.staged[dimension.name]
    session.stage(staged, rows)
    id_column, name_column = list(staged.columns)[:2]
    known = dimension.alias("known")
    has_id = known.c[id_column.name] == id_column
    missing = select(*staged.columns, literal(now), literal(now)).select_from(staged.outerjoin(known, has_id))
    missing = missing.where(known.c[id_column.name].is_(None)).order_by(id_column)
    session.run(session.ignoring_known(dimension).from_select([*rows.columns, *TIMES], missing))
    known_name = known.c[name_column.name]
    others = select(name_column, known_name).join_from(staged, known, has_id).where(known_name != name_column)
    for name, other in session.run(others.limit(1)):
        raise same_id(name, other)
