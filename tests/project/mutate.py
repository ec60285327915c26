"""Break each rule of what a report holds, one at a time, and see that the tests notice: `make mutate`.

A mutation stands for a mistake in one place of the source. It is made in a copy, and the tests that are about reports
are run on that copy until one fails. A mutation that no longer fits the source, or with which the tests cannot even
start, ends the script: the table is to be mended then.
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
    "storage/test_gzip.py",
    "sources/test_blacklists.py",
    "transform/test_ranking.py",
    "transform/test_report.py",
    "transform/test_properties.py",
    "pipeline/test_hour.py",
)


class Mutation(NamedTuple):
    """A mistake: `old`, which stands once in the module, becomes `new`, and the rule is broken."""

    rule: str
    module: str
    old: str
    new: str


LINES = (
    Mutation("a line has no fifth field", "transform.dump", " & rest.is_null()", ""),
    Mutation("a title is not empty", "transform.dump", ' & (title != "")', ""),
    Mutation(
        "views are digits",
        "transform.dump",
        "return number.is_not_null() & (written >= ",
        "return (number == number) & (written < ",
    ),
    Mutation("views have no sign", "transform.dump", ' & (written >= "0")', ""),
    Mutation(
        "views are whole", "transform.dump", "views=views.cast(", "views=views.cast(pl.Float64, strict=False).cast("
    ),
    Mutation("views fit into 64 bits", "transform.dump", "views=views.cast(pl.Int64,", "views=views.cast(pl.Int128,"),
    Mutation("the size is a number", "transform.dump", ' & _is_count(size, pl.col("size"))', ""),
    Mutation("two quotes are the empty code", "transform.titles", "written.replace('\"\"'", "written.replace('\"'"),
    Mutation("blank lines are skipped", "transform.dump", '.filter(pl.col("page_title") != "")', ""),
    Mutation("a carriage return at the end is dropped", "transform.dump", 'size = size.str.strip_chars_end("\\r")', ""),
    Mutation(
        "a blank line may have one", "transform.dump", 'pl.col("line").str.strip_chars_end("\\r")', 'pl.col("line")'
    ),
    Mutation("what is not UTF-8 becomes U+FFFD", "transform.dump", 'encoding="utf8-lossy",', ""),
    Mutation(
        "quotes are nothing special",
        "transform.dump",
        "quote_char=None,\n        encoding",
        "quote_char='\"',\n        encoding",
    ),
    Mutation("malformed lines are counted", "pipeline.compute", "malformed=malformed)", "malformed=0)"),
    Mutation(
        "too many of them fail the hour", "pipeline.compute", "if malformed > limit * lines:", "if malformed > lines:"
    ),
    Mutation(
        "their share may be as large as the limit",
        "pipeline.compute",
        "malformed > limit * lines",
        "malformed >= limit * lines",
    ),
    Mutation("the first few are logged", "pipeline.compute", "repr(line[:80]) for line in samples", '"a line"'),
)
PROOF = (
    Mutation(
        "a clean reading lacks no field",
        "transform.dump",
        "if any(column.null_count() for column in columns):",
        "if False:",
    ),
    Mutation("nor a title", "transform.dump", "if not lengths.min():", "if False:"),
    Mutation(
        "it is as long as the block",
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
    Mutation("a block is nothing packed", "transform.dump", "if block.startswith(COMPRESSED_STARTS):", "if False:"),
    Mutation("nor begins with a mark", "transform.dump", 'b"\\n" + block,', "block,"),
    Mutation("the mark at the very start is dropped", "transform.dump", "block.removeprefix(BYTE_ORDER_MARK)", "block"),
    Mutation(
        "quotes are nothing special to it",
        "transform.dump",
        "quote_char=None,\n            empty_string_is_null=False",
        "quote_char='\"',\n            empty_string_is_null=False",
    ),
)
BLOCKS = (
    Mutation("blocks are whole lines", "storage.gzip", "piece[:end]])", "piece])"),
    Mutation("what is left of a piece begins the next", "storage.gzip", "[piece[end:]], line", "[], 0"),
    Mutation("the last lines count", "storage.gzip", "    if size:\n        yield", "    if not size:\n        yield"),
    Mutation(
        "a file that breaks off is refused",
        "storage.gzip",
        "    if member:\n        raise truncated",
        "    if False:\n        raise truncated",
    ),
    Mutation("so is one of nothing", "storage.gzip", "    if not total:\n", "    if False:\n"),
)
TITLES = (
    Mutation(
        "only an escaped quote makes a title quoted",
        "transform.titles",
        "written.str.contains('\\\\\"', literal=True) & ",
        "",
    ),
    Mutation("and only from end to end", "transform.titles", " & written.str.contains(QUOTED)", ""),
    Mutation("escapes are resolved", "transform.titles", """.str.replace_all(r'\\\\(["\\\\])', "${1}")""", ""),
    Mutation("ranked titles are decoded", "pipeline.compute", '.with_columns(decode_title(pl.col("page_title")))', ""),
    Mutation(
        "listed titles are met as written",
        "transform.titles",
        "_spellings(pages.filter(special))]",
        "pages.filter(special)]",
    ),
    Mutation(
        "and only where they decode to the title",
        "transform.titles",
        '.filter(decode_title(pl.col("written")) == title)',
        "",
    ),
)
UNKNOWN = (
    Mutation("unknown pages are left out", "transform.schemas", 'UNKNOWN = "-"', 'UNKNOWN = "--"'),
    Mutation("unless they are kept", "transform.ranking", "pl.lit(value=False) if keep_unknown else ", ""),
    Mutation("they are counted", "transform.ranking", '("unknown", pages.unknown)', '("unknown", pages.blacklisted)'),
    Mutation(
        "with their views", "transform.ranking", '_views": pl.col("views").cast(SUM_DTYPE).sum()', '_views": pl.len()'
    ),
    Mutation("and not as blacklisted, too", "transform.ranking", "blacklisted=known.join", "blacklisted=pages.join"),
)
BLACKLIST = (
    Mutation("the code counts", "transform.ranking", 'on=PAGE_KEY, how="anti"', 'on="page_title", how="anti"'),
    Mutation("also in the totals", "transform.ranking", 'on=PAGE_KEY, how="semi"', 'on="page_title", how="semi"'),
    Mutation(
        "an entry counts as written",
        "transform.blacklist",
        "pl.concat([as_written, decoded])",
        "pl.concat([decoded, as_written.join(decoded, on='domain_code', how='anti')])",
    ),
    Mutation("and decoded", "transform.blacklist", "pl.concat([as_written, decoded])", "pl.concat([as_written])"),
    Mutation("as UTF-8", "transform.blacklist", "unquote(title)", 'unquote(title, "latin-1")'),
    Mutation("a space becoming an underscore", "transform.blacklist", '.replace(" ", "_")', ""),
    Mutation(
        "an entry without a title is skipped",
        "transform.blacklist",
        '.filter(title != "")',
        '.with_columns(title.fill_null(""))',
    ),
    Mutation(
        "two quotes are the empty code",
        "transform.blacklist",
        """pl.when(code == '""').then(pl.lit("")).otherwise(code)""",
        "code",
    ),
    Mutation("an entry written twice counts once", "transform.blacklist", ".unique(maintain_order=True)", ""),
    Mutation("listed pages do not rank", "transform.ranking", '.join(blacklist, on=PAGE_KEY, how="anti")', ""),
    Mutation("nor take the place of others", "transform.reduce", "views.set(maybe_excluded_rows, -1)", "views"),
    Mutation(
        "nor do those take it that only seem to be",
        "transform.reduce",
        "views.set(maybe_excluded_rows, -1)",
        "views.set(maybe_excluded_rows, None)",
    ),
    Mutation(
        "they are counted", "transform.ranking", '("blacklisted", pages.blacklisted)', '("blacklisted", pages.unknown)'
    ),
    Mutation(
        "also those that would not rank", "transform.reduce", "kept = can_rank | maybe_excluded_rows", "kept = can_rank"
    ),
)
RANKING = (
    Mutation("views descend", "transform.ranking", "[False, True, False]", "[False, False, False]"),
    Mutation("equal views rank by title", "transform.ranking", "[False, True, False]", "[False, True, True]"),
    Mutation("domains ascend", "transform.ranking", "[False, True, False]", "[True, True, False]"),
    Mutation("domain totals ascend", "transform.ranking", 'strict=True)).sort("domain_code")', "strict=True))"),
    Mutation("ranks begin with 1", "transform.ranking", "pl.int_range(1, pl.len() + 1,", "pl.int_range(0, pl.len(),"),
    Mutation("in each domain", "transform.ranking", '.over("domain_code")', ""),
    Mutation("there are 25", "settings", "top: int = Field(25,", "top: int = Field(24,"),
    Mutation(
        "a domain with nothing left does not appear",
        "pipeline.compute",
        'totals, top_pages = pl.collect_all(frames, engine="in-memory")',
        """totals, top_pages = pl.collect_all(frames); top_pages = pl.concat([top_pages, totals.filter(
            pl.col("pages") == pl.col("unknown_pages")).select("domain_code", rank=pl.lit(1, pl.UInt32),
            page_title=pl.lit("-"), views=pl.lit(0, pl.Int64))])""",
    ),
    Mutation("no more than the top rank", "transform.ranking", 'pl.col("rank") <= top', 'pl.col("rank") <= top + 1'),
    Mutation("and no fewer", "transform.ranking", 'pl.col("rank") <= top', 'pl.col("rank") < top'),
    Mutation("ties at the end of a chunk's top stay", "transform.reduce", "(views >= runs", "(views > runs"),
    Mutation("a chunk keeps all of its top", "transform.reduce", "top_k(top).min()", "top_k(top).max()"),
    Mutation(
        "sums have more than 64 bits on the way",
        "transform.schemas",
        "SUM_DTYPE = pl.Int128()",
        "SUM_DTYPE = pl.Int64()",
    ),
    Mutation(
        "pages that are left out count in the totals",
        "transform.reduce",
        "pages=pl.len().cast(",
        'pages=(pl.col("surely_kept_views") >= 0).sum().cast(',
    ),
    Mutation(
        "and so do their views",
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
        "in all of Parquet",
        "lake.parquet",
        "{PROVENANCE_KEY: provenance.to_json()}",
        '{PROVENANCE_KEY: provenance.to_json(), "now": str(__import__("time").time_ns())}',
    ),
)
TEXT = (
    Mutation(
        "the text has a line for each domain", "render.text", "codes.filter(is_first)", "codes.filter(is_first).head(0)"
    ),
    Mutation("what acts in a title is escaped", "render.text", "[printable(title) for", "[title for"),
    Mutation(
        "what acts in a code is escaped",
        "render.text",
        "{printable(Domain.of(code).heading)}",
        "{Domain.of(code).heading}",
    ),
    Mutation("marks of a direction act", "core.escape", r"\u200e", ""),
    Mutation("views stand in groups of three digits", "render.text", "{count:>11,}  ", "{count:>11}  "),
    Mutation("ranks stand in a column", "render.text", ".str.pad_start(4)", ""),
)
MUTATIONS = (*LINES, *PROOF, *BLOCKS, *TITLES, *UNKNOWN, *BLACKLIST, *RANKING, *BYTES, *TEXT)


def main() -> None:
    """Try every mutation, and tell of each which test noticed it; exit 1 where none did."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            _ = shutil.copytree(source, copy / name) if source.is_dir() else shutil.copy(source, copy / name)
        if failed := first_failure(copy):
            sys.exit(f"the tests fail without a mutation, too: {failed}")
        unnoticed = [mutation for mutation in MUTATIONS if not tried(mutation, copy)]
    print(f"{len(MUTATIONS) - len(unnoticed)} of {len(MUTATIONS)} mutations are noticed")
    sys.exit(bool(unnoticed))


def tried(mutation: Mutation, copy: Path) -> bool:
    """Make one mutation, run the tests, take it back; tell whether it was noticed."""
    path = copy / "src" / "pvtop" / f"{mutation.module.replace('.', '/')}.py"
    source = path.read_text()
    if source.count(mutation.old) != 1:
        sys.exit(f"{mutation.rule}: {mutation.old!r} stands {source.count(mutation.old)} times in {path.name}")
    path.write_text(source.replace(mutation.old, mutation.new))
    noticed = first_failure(copy)
    path.write_text(source)
    print(f"{mutation.rule}: {noticed or 'NOT NOTICED'}", flush=True)
    return bool(noticed)


def first_failure(copy: Path) -> str:
    """Run the tests of a copy until one fails, and give its name; the empty string where none does."""
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
