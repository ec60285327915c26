"""The ids of domains and pages: digests of their names, the same in every database, version and process."""

from __future__ import annotations

import struct
from hashlib import blake2b

import polars as pl

from pvtop.core.errors import MartError
from pvtop.core.escape import shorten

ID_BYTES = 8


def name_id(name: str) -> int:
    """Return the id of a name: BLAKE2b of its UTF-8 bytes, 8 bytes long, read as a signed big-endian integer."""
    return int(name_ids(pl.Series([name]))[0])


def name_ids(names: pl.Series) -> pl.Series:
    """Return the id of each name."""
    digests = [blake2b(name, digest_size=ID_BYTES).digest() for name in names.cast(pl.Binary).to_list()]
    return pl.Series(struct.unpack(f">{len(digests)}q", b"".join(digests)), dtype=pl.Int64)


def with_ids(names: pl.Series, id_name: str, known: pl.DataFrame | None = None) -> tuple[pl.Series, pl.DataFrame]:
    """Return the id of each name, and a frame of the distinct names with their ids, by id.

    Args:
        names: The names. May repeat.
        id_name: The name of the column of ids.
        known: Names with their ids, in these columns. Looking up an id takes less time than computing it.

    Raises:
        MartError: Two names have the same id.
    """
    encoded = names.to_arrow(compat_level=pl.CompatLevel.oldest()).dictionary_encode()
    distinct = pl.Series(names.name, encoded.dictionary)
    ids = (name_ids(distinct) if known is None else _look_up(distinct, id_name, known)).alias(id_name)
    return ids.gather(pl.Series(encoded.indices)), by_id(ids, distinct)


def _look_up(names: pl.Series, id_name: str, known: pl.DataFrame) -> pl.Series:
    """Return the id of each name. Compute only the ids of names that are not known."""
    ids = names.to_frame().join(known, on=names.name, how="left", maintain_order="left").get_column(id_name)
    unknown = ids.is_null()
    return ids.scatter(unknown.arg_true(), name_ids(names.filter(unknown)))


def by_id(ids: pl.Series, names: pl.Series) -> pl.DataFrame:
    """Return names with their ids, sorted by id. The names must not repeat.

    Raises:
        MartError: Two names have the same id.
    """
    found = pl.DataFrame([ids, names]).sort(ids.name)
    repeated = found.get_column(ids.name) == found.get_column(ids.name).shift()
    if (row := repeated.arg_max()) and repeated[row]:
        raise same_id(found[names.name][row - 1], found[names.name][row])
    return found


def same_id(first: str, second: str) -> MartError:
    """Return the error for two names that have the same id."""
    return MartError(
        f"{shorten(repr(first))} and {shorten(repr(second))} have the same id, so the mart cannot tell them apart",
        "put one of the two on the blacklist",
        setting="blacklist",
    )
