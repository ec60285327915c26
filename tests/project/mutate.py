"""Break each rule of a report, one at a time, and check that a test fails: `make mutate`.

A mutation is a mistake in one place of the source. The script makes it in a copy of the project, and runs the tests
about reports there until one fails. A mutation that does not fit the source, or that keeps the tests from starting,
ends the script: correct the table then.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
COPIED = ("src", "tests", "data", "pyproject.toml")
TESTS = (  # the quick ones first
    "transform/test_dump.py",
    "transform/test_titles.py",
    "transform/test_blacklist.py",
    "transform/test_ranking.py",
    "transform/test_reduce.py",
    "render/test_text.py",
    "core/test_escape.py",
    "storage/test_gzip.py",
    "storage/test_regular_file.py",
    "storage/test_locks.py",
    "storage/test_atomic.py",
    "sources/test_dumps.py",
    "sources/test_blacklists.py",
    "transform/test_properties.py",
    "pipeline/test_hour.py",
    "sources/test_download.py",
)


class Mutation(NamedTuple):
    """A mistake that breaks a rule: `old`, found once in the module, becomes `new`."""

    rule: str
    module: str
    old: str
    new: str


LINES = (
    Mutation("a line has exactly four fields", "transform.dump", " & rest.is_null()", ""),
    Mutation("a line without a title is malformed", "transform.dump", ' & (title != "")', ""),
    Mutation(
        "views consist of digits",
        "transform.dump",
        "return number.is_not_null() & (written >= ",
        "return (number == number) & (written < ",
    ),
    Mutation("views have no sign", "transform.dump", ' & (written >= "0")', ""),
    Mutation(
        "views are integers", "transform.dump", "views=views.cast(", "views=views.cast(pl.Float64, strict=False).cast("
    ),
    Mutation("views fit into 64 bits", "transform.dump", "views=views.cast(pl.Int64,", "views=views.cast(pl.Int128,"),
    Mutation("the size is a number", "transform.dump", ' & _is_count(size, pl.col("size"))', ""),
    Mutation("two quotes are the empty code", "transform.titles", "written.replace('\"\"'", "written.replace('\"'"),
    Mutation("blank lines are skipped", "transform.dump", '.filter(pl.col("page_title") != "")', ""),
    Mutation(
        "a carriage return at the end of a line is dropped",
        "transform.dump",
        'size = size.str.strip_chars_end("\\r")',
        "",
    ),
    Mutation(
        "a blank line may have a carriage return",
        "transform.dump",
        'pl.col("line").str.strip_chars_end("\\r")',
        'pl.col("line")',
    ),
    Mutation("bytes that are not UTF-8 become U+FFFD", "transform.dump", 'encoding="utf8-lossy",', ""),
    Mutation(
        "quotes have no meaning",
        "transform.dump",
        "quote_char=None,\n        encoding",
        "quote_char='\"',\n        encoding",
    ),
    Mutation("malformed lines are counted", "pipeline.compute", "malformed=malformed)", "malformed=0)"),
    Mutation(
        "too many malformed lines fail the hour",
        "pipeline.compute",
        "if malformed > limit * lines:",
        "if malformed > lines:",
    ),
    Mutation(
        "the share of malformed lines may equal the limit",
        "pipeline.compute",
        "malformed > limit * lines",
        "malformed >= limit * lines",
    ),
    Mutation(
        "the first malformed lines are logged", "pipeline.compute", "repr(line[:80]) for line in samples", '"a line"'
    ),
)
PROOF = (
    Mutation(
        "a fast read has every field of a line",
        "transform.dump",
        "if any(column.null_count() for column in columns):",
        "if False:",
    ),
    Mutation("a fast read has a title in each line", "transform.dump", "if not lengths.min():", "if False:"),
    Mutation(
        "a fast read has as many bytes as the block",
        "transform.dump",
        "return fields.select(ROWS.names()) if proven else None",
        "return fields.select(ROWS.names())",
    ),
    Mutation(
        "the last line may lack its newline",
        "transform.dump",
        'block if block.endswith(b"\\n") else block + b"\\n"',
        "block",
    ),
    Mutation(
        "a block that looks compressed is read line by line",
        "transform.dump",
        "if block.startswith(COMPRESSED_STARTS):",
        "if False:",
    ),
    Mutation("a byte-order mark within a dump belongs to its line", "transform.dump", 'b"\\n" + block,', "block,"),
    Mutation(
        "a byte-order mark at the start of a dump is dropped",
        "transform.dump",
        "block.removeprefix(BYTE_ORDER_MARK)",
        "block",
    ),
    Mutation(
        "quotes have no meaning in a fast read",
        "transform.dump",
        "quote_char=None,\n            empty_string_is_null=False",
        "quote_char='\"',\n            empty_string_is_null=False",
    ),
)
BLOCKS = (
    Mutation("blocks end at the end of a line", "storage.gzip", "piece[:end]])", "piece])"),
    Mutation("the rest of a piece begins the next block", "storage.gzip", "[piece[end:]], line", "[], 0"),
    Mutation(
        "the last block is read", "storage.gzip", "    if size:\n        yield", "    if not size:\n        yield"
    ),
    Mutation(
        "a truncated file is refused",
        "storage.gzip",
        "    if member:\n        raise truncated",
        "    if False:\n        raise truncated",
    ),
    Mutation("a file without content is refused", "storage.gzip", "    if not total:\n", "    if False:\n"),
    Mutation(
        "gzip within gzip is looked for at the start only",
        "storage.gzip",
        "if not total and piece.startswith(MAGIC)",
        "if piece.startswith(MAGIC)",
    ),
)
DOWNLOADS = (
    Mutation(
        "a download resumes only with the same ETag",
        "sources.download",
        'and headers.get("ETag", self.etag) == self.etag',
        "",
    ),
    Mutation(
        "a download resumes only with the same Last-Modified",
        "sources.download",
        'and headers.get("Last-Modified", self.last_modified) == self.last_modified',
        "",
    ),
)
TITLES = (
    Mutation(
        "only a title with an escaped quote is unquoted",
        "transform.titles",
        "written.str.contains('\\\\\"', literal=True) & ",
        "",
    ),
    Mutation(
        "only a title in quotes from end to end is unquoted",
        "transform.titles",
        " & written.str.contains(QUOTED_PATTERN)",
        "",
    ),
    Mutation(
        "escapes in a quoted title are resolved",
        "transform.titles",
        """.str.replace_all(r'\\\\(["\\\\])', "${1}")""",
        "",
    ),
    Mutation("ranked titles are decoded", "pipeline.compute", '.with_columns(decode_title(pl.col("page_title")))', ""),
    Mutation(
        "excluded titles are found as dumps write them",
        "transform.titles",
        "_spellings(pages.filter(special))]",
        "pages.filter(special)]",
    ),
    Mutation(
        "excluded titles are found only in spellings that decode to them",
        "transform.titles",
        '.filter(decode_title(pl.col("written")) == title)',
        "",
    ),
)
UNKNOWN = (
    Mutation("unknown pages are excluded", "transform.schemas", 'UNKNOWN = "-"', 'UNKNOWN = "--"'),
    Mutation(
        "unknown pages rank if they are kept", "transform.ranking", "pl.lit(value=False) if keep_unknown else ", ""
    ),
    Mutation(
        "unknown pages are counted", "transform.ranking", '("unknown", pages.unknown)', '("unknown", pages.blacklisted)'
    ),
    Mutation(
        "the views of unknown pages are counted",
        "transform.ranking",
        '_views": pl.col("views").cast(SUM_DTYPE).sum()',
        '_views": pl.len()',
    ),
    Mutation(
        "an unknown page on the blacklist counts as unknown only",
        "transform.ranking",
        "blacklisted=known.join",
        "blacklisted=pages.join",
    ),
)
BLACKLIST = (
    Mutation(
        "an entry excludes pages of its own domain only",
        "transform.ranking",
        'on=PAGE_KEY, how="anti"',
        'on="page_title", how="anti"',
    ),
    Mutation(
        "an entry counts in the totals of its own domain only",
        "transform.ranking",
        'on=PAGE_KEY, how="semi"',
        'on="page_title", how="semi"',
    ),
    Mutation(
        "an entry counts as written",
        "transform.blacklist",
        "pl.concat([_pages(written), ",
        "pl.concat([_pages(written.filter(~written.str.contains('%'))), ",
    ),
    Mutation(
        "an entry counts percent-decoded",
        "transform.blacklist",
        "map(_decoded, lines)",
        "map(_decoded, [])",
    ),
    Mutation(
        "an entry is decoded as UTF-8",
        "transform.blacklist",
        "unquote_to_bytes(title).decode()",
        'unquote_to_bytes(title).decode("latin-1")',
    ),
    Mutation(
        "an entry that is not UTF-8 when decoded counts only as written",
        "transform.blacklist",
        "unquote_to_bytes(title).decode()",
        'unquote_to_bytes(title).decode("utf-8", "replace")',
    ),
    Mutation(
        "the bytes of an entry are decoded",
        "transform.blacklist",
        "unquote_to_bytes(title).decode()",
        'unquote_to_bytes(title.decode("utf-8", "replace")).decode()',
    ),
    Mutation(
        "white space at the end of a line is dropped", "transform.blacklist", "line.rstrip()", r'line.rstrip(b"\r")'
    ),
    Mutation(
        "a byte-order mark before the first entry is dropped",
        "transform.blacklist",
        "content.removeprefix(BYTE_ORDER_MARK)",
        "content",
    ),
    Mutation(
        "a space in a title of an entry becomes an underscore",
        "transform.blacklist",
        'title.str.replace_all(" ", "_", literal=True)',
        "title",
    ),
    Mutation(
        "an entry without a title is skipped",
        "transform.blacklist",
        '.filter(title != "")',
        '.with_columns(title.fill_null(""))',
    ),
    Mutation(
        "two quotes are the empty code in an entry",
        "transform.blacklist",
        """pl.when(code == '""').then(pl.lit("")).otherwise(code)""",
        "code",
    ),
    Mutation("a repeated entry counts once", "transform.blacklist", ".unique(maintain_order=True)", ""),
    Mutation("blacklisted pages do not rank", "transform.ranking", '.join(blacklist, on=PAGE_KEY, how="anti")', ""),
    Mutation(
        "blacklisted pages do not take the place of other pages",
        "transform.reduce",
        "views.set(maybe_excluded_rows, -1)",
        "views",
    ),
    Mutation(
        "pages that only may be blacklisted do not take the place of other pages",
        "transform.reduce",
        "views.set(maybe_excluded_rows, -1)",
        "views.set(maybe_excluded_rows, None)",
    ),
    Mutation(
        "blacklisted pages are counted",
        "transform.ranking",
        '("blacklisted", pages.blacklisted)',
        '("blacklisted", pages.unknown)',
    ),
    Mutation(
        "blacklisted pages below the top are counted",
        "transform.reduce",
        "kept = can_rank | maybe_excluded_rows",
        "kept = can_rank",
    ),
)
RANKING = (
    Mutation("views descend", "transform.ranking", "[False, True, False]", "[False, False, False]"),
    Mutation("equal views rank by title", "transform.ranking", "[False, True, False]", "[False, True, True]"),
    Mutation("domains ascend", "transform.ranking", "[False, True, False]", "[True, True, False]"),
    Mutation("domain totals ascend", "transform.ranking", 'strict=True)).sort("domain_code")', "strict=True))"),
    Mutation("ranks begin with 1", "transform.ranking", "pl.int_range(1, pl.len() + 1,", "pl.int_range(0, pl.len(),"),
    Mutation("ranks restart in each domain", "transform.ranking", '.over("domain_code")', ""),
    Mutation("a domain gets 25 pages", "settings", "top: Integer = Field(25,", "top: Integer = Field(24,"),
    Mutation(
        "a domain without ranked pages does not appear",
        "pipeline.compute",
        'totals, top_pages = pl.collect_all(frames, engine="in-memory")',
        """totals, top_pages = pl.collect_all(frames); top_pages = pl.concat([top_pages, totals.filter(
            pl.col("pages") == pl.col("unknown_pages")).select("domain_code", rank=pl.lit(1, pl.UInt32),
            page_title=pl.lit("-"), views=pl.lit(0, pl.Int64))])""",
    ),
    Mutation(
        "a domain gets no more pages than the top",
        "transform.ranking",
        'pl.col("rank") <= top',
        'pl.col("rank") <= top + 1',
    ),
    Mutation(
        "a domain gets no fewer pages than the top",
        "transform.ranking",
        'pl.col("rank") <= top',
        'pl.col("rank") < top',
    ),
    Mutation("ties at the end of a chunk's top are kept", "transform.reduce", "(views >= runs", "(views > runs"),
    Mutation("a chunk keeps all of its top pages", "transform.reduce", "top_k(top).min()", "top_k(top).max()"),
    Mutation(
        "sums are computed in more than 64 bits",
        "transform.schemas",
        "SUM_DTYPE = pl.Int128()",
        "SUM_DTYPE = pl.Int64()",
    ),
    Mutation(
        "excluded pages count in the totals",
        "transform.reduce",
        "pages=pl.len().cast(",
        'pages=(pl.col("surely_kept_views") >= 0).sum().cast(',
    ),
    Mutation(
        "the views of excluded pages count in the totals",
        "transform.reduce",
        'views=pl.col("views").cast(SUM_DTYPE)',
        'views=pl.when(pl.col("surely_kept_views") >= 0).then("views").cast(SUM_DTYPE)',
    ),
)
BYTES = (
    Mutation(
        "the same input gives the same bytes",
        "pipeline.compute",
        '"version": __version__',
        '"version": str(__import__("time").time_ns())',
    ),
    Mutation(
        "the metadata of the Parquet files does not change",
        "lake.parquet",
        "{PROVENANCE_KEY: provenance.to_json()}",
        '{PROVENANCE_KEY: provenance.to_json(), "now": str(__import__("time").time_ns())}',
    ),
)
TEXT = (
    Mutation(
        "the text has a line for each domain", "render.text", "codes.filter(is_first)", "codes.filter(is_first).head(0)"
    ),
    Mutation("control characters in a title are escaped", "render.text", "[printable(title) for", "[title for"),
    Mutation(
        "control characters in a code are escaped",
        "render.text",
        "{printable(Domain.of(code).heading)}",
        "{Domain.of(code).heading}",
    ),
    Mutation("direction marks are escaped", "core.escape", r"\u200e", ""),
    Mutation("views have thousands separators", "render.text", "{count:>11,}  ", "{count:>11}  "),
    Mutation("ranks are aligned", "render.text", ".str.pad_start(4)", ""),
)
FILES = (
    Mutation(
        "a failed write puts the earlier file back",
        "storage.atomic",
        "            _put_back(aside, target)\n            raise\n",
        "            raise\n",
    ),
    Mutation(
        "a failed write removes the new file",
        "storage.atomic",
        "            target.unlink(missing_ok=True)\n",
        "            ...\n",
    ),
    Mutation("only regular files are opened", "storage.regular_file", "if stat.S_ISREG(mode):", "if mode:"),
    Mutation(
        "a lock on NFS needs a file open for writing", "storage.locks", "open_regular(path, mode)", "open_regular(path)"
    ),
    Mutation(
        "a removed lock file is made again",
        "storage.locks",
        "            if not _is_at(file, path):\n",
        "            if False:\n",
    ),
)
MUTATIONS = (*LINES, *PROOF, *BLOCKS, *DOWNLOADS, *TITLES, *UNKNOWN, *BLACKLIST, *RANKING, *BYTES, *TEXT, *FILES)


def main() -> None:
    """Try every mutation and print which test noticed it. Exit 1 if one is not noticed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            _ = shutil.copytree(source, copy / name) if source.is_dir() else shutil.copy(source, copy / name)
        if failed := first_failure(copy):
            sys.exit(f"the tests fail without any mutation: {failed}")
        unnoticed = [mutation for mutation in MUTATIONS if not tried(mutation, copy)]
    print(f"{len(MUTATIONS) - len(unnoticed)} of {len(MUTATIONS)} mutations are noticed")
    sys.exit(bool(unnoticed))


def tried(mutation: Mutation, copy: Path) -> bool:
    """Make one mutation, run the tests, and undo it. Return whether a test failed."""
    path = copy / "src" / "pvtop" / f"{mutation.module.replace('.', '/')}.py"
    source = path.read_text()
    if source.count(mutation.old) != 1:
        sys.exit(f"{mutation.rule}: {mutation.old!r} occurs {source.count(mutation.old)} times in {path.name}")
    path.write_text(source.replace(mutation.old, mutation.new))
    noticed = first_failure(copy)
    path.write_text(source)
    print(f"{mutation.rule}: {noticed or 'NOT NOTICED'}", flush=True)
    return bool(noticed)


def first_failure(copy: Path) -> str:
    """Run the tests of a copy until one fails. Return its name, or an empty string if all pass."""
    tests = [f"tests/{name}" for name in TESTS]
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--tb=no", "--show-capture=no", *tests]
    environment = os.environ | {"PYTHONPATH": str(copy / "src")}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        sys.exit(f"the tests cannot start:\n{done.stdout}")
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return found[1] if found else ""


if __name__ == "__main__":
    main()
