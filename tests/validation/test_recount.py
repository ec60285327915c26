"""The recount: the same as the reference, for whatever a dump holds."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from pvtop.core.errors import BlacklistError, CorruptError
from pvtop.transform.blacklist import parse_blacklist
from pvtop.validation.recount import recount
from support.reference import reference
from support.strategies import blacklists, dumps, raw_dumps


def accepted(blacklist: bytes) -> set[tuple[str, str]]:
    """Parse a blacklist; no bytes stand for no blacklist. Reject examples that look like another kind of file."""
    try:
        return set(parse_blacklist(blacklist, "blacklist").rows()) if blacklist else set()
    except BlacklistError:
        reject()


def agree(dump: bytes, blacklist: bytes, top: int, *, keep_unknown: bool) -> None:
    """Recount every domain of a dump, and compare all with the reference."""
    expected = reference(dump, blacklist, top=top, keep_unknown=keep_unknown)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "dump.gz")
        path.write_bytes(gzip.compress(dump, 1, mtime=0))
        listed = accepted(blacklist)
        codes = [code for code, *_ in expected.domains]
        counted = recount(path, [*codes, "not there"], listed, top, keep_unknown=keep_unknown)
        assert recount(path, [], [], 1, keep_unknown=True).codes == counted.codes == set(codes)
    found = counted.domains
    nothing = found.pop("not there")
    assert (nothing.pages, nothing.ranked) == (0, [])
    totals = [(code, it.pages, it.views, it.blacklisted_pages, it.blacklisted_views) for code, it in found.items()]
    ranked = [(code, rank, *page[::-1]) for code, it in found.items() for rank, page in enumerate(it.ranked, 1)]
    assert totals == expected.domains
    assert ranked == expected.top_pages


@given(dump=dumps(), blacklist=blacklists(), top=st.sampled_from([1, 2, 3, 25]), keep_unknown=st.booleans())
def test_recount_of_generated_hours_matches_the_reference(
    dump: bytes, blacklist: bytes, top: int, *, keep_unknown: bool
) -> None:
    agree(dump, blacklist, top, keep_unknown=keep_unknown)


@given(dump=raw_dumps())
def test_recount_of_raw_bytes_matches_the_reference(dump: bytes) -> None:
    agree(dump, b"", 2, keep_unknown=False)


@pytest.mark.parametrize("top", [1, 2, 5])
def test_recount_keeps_the_top_of_many_pages(top: int) -> None:
    lines = [f"en T{number:02} {number * 7 % 10} 0\n" for number in range(40)]
    agree("".join(lines).encode(), b"", top, keep_unknown=False)


@pytest.mark.parametrize("cut", [slice(-9), slice(5), slice(0)], ids=["truncated", "header", "empty"])
def test_recount_of_a_damaged_dump_is_a_corrupt_error(cut: slice, tmp_path: Path) -> None:
    (tmp_path / "dump.gz").write_bytes(gzip.compress(b"en A 5 0\n", mtime=0)[cut] or b"junk")
    with pytest.raises(CorruptError, match=r"cannot read .*dump\.gz: "):
        recount(tmp_path / "dump.gz", ["en"], [], 25, keep_unknown=False)
