"""The parts of the benchmarks: which commands are compared, and how each answer is checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cases import Case, Count, Group, Part, Profile
from checks import Check, answers, holds, largest, plans, politely, prints, prints_fields, sum_of_domain, sum_of_lines
from commands import ANSWER, CONTACT, CONTENDERS, PVTOP, batch, contender, gzip, hour_range, prepare, probe, report
from day_parts import DAY_PARTS
from inputs import DATA, DAY, MONTH, OLDEST, Inputs, serving
from mart_parts import MART_PARTS
from pvtop.lake.layout import top_pages_path

GZIP = "gzip -dc to nowhere"
SUM = "Polars, reading and summing only"
REPORT = "pvtop report, dump in the cache"
FOLDER = "pvtop report, dump in a folder"
UNCLEAN = "pvtop report, a malformed line in the dump"
COMPUTE = "pvtop, the compute part alone"
BATCH = "pvtop batch"
BARE = "bare transfer"
NETWORK = "pvtop batch over the network"
HELP = "pvtop --help"
TYPER = 'python -c "import typer"'


def one_hour(inputs: Inputs, _: str) -> Iterator[Group | Profile]:
    """Compare the report of an hour with decompressing and with only summing its dump."""
    inputs.hours(1)
    dump, blacklist, unclean = inputs.source / DAY.dump_path, inputs.blacklist(inputs.scale.entries), inputs.unclean()
    reference = inputs.reference(dump, blacklist)
    compute = probe("compute.py", DAY.iso, inputs.source, blacklist, ANSWER)
    cases = [
        Case(GZIP, gzip([dump])),
        Case(SUM, probe("reading.py", dump), prints(sum_of_lines(dump))),
        cached_report(inputs),
        report_of(FOLDER, inputs, inputs.source, blacklist),
        Case(UNCLEAN, report(DAY, unclean, blacklist), holds({DAY: reference})),
        Case(COMPUTE, compute, answers(reference), timed=True),
    ]
    yield Group("One hour", cases, files=[dump, unclean / DAY.dump_path])
    steps = probe("stages.py", DAY.iso, inputs.source, blacklist, inputs.work / "cache")
    yield Profile("Where the time and the memory of an hour go", steps)


def alternatives(inputs: Inputs, python: str) -> Iterator[Group]:
    """Compare pvtop with its alternatives: on a small file with every oddity, then on a full hour."""
    inputs.hours(1)

    def others(dump: Path, blacklist: Path) -> list[Case]:
        check = answers(inputs.reference(dump, blacklist))
        return [
            Case(name, contender(name, python, dump, blacklist), check, needs=module)
            for name, (module, _) in CONTENDERS.items()
        ]

    yield Group("A small file with every oddity", others(inputs.sample(), DATA / "blacklist"), rounds=1)
    dump, blacklist = inputs.source / DAY.dump_path, inputs.blacklist(inputs.scale.entries)
    cases = [Case(GZIP, gzip([dump])), cached_report(inputs), *others(dump, blacklist)]
    yield Group("The alternatives", cases, files=[dump])


def one_batch(inputs: Inputs, _: str) -> Iterator[Group]:
    """Compare a batch of a day with decompressing its dumps one after the other."""
    count = inputs.scale.hours
    dumps = [inputs.source / hour.dump_path for hour in inputs.hours(count)]
    yield Group(f"A batch of {count} hours", [Case(GZIP, gzip(dumps)), batch_of(count, BATCH, inputs)], files=dumps)


def network(inputs: Inputs, _: str) -> Iterator[Group]:
    """Compare a batch over a throttled network with the bare transfer of its dumps."""
    count, blacklist = inputs.scale.hours, inputs.blacklist(inputs.scale.entries)
    inputs.hours(count)
    made = ["env", "PVTOP_CONNECTIONS=3", *batch(DAY, count, None, blacklist), "--contact", CONTACT]
    cases = [
        Case(BARE, probe("transfer.py", inputs.source, count), timed=True),
        Case(NETWORK, probe("transfer.py", inputs.source, count, *made), politely(expected(inputs, count)), timed=True),
    ]
    yield Group(f"{count} hours over three connections of 5 MiB/s", cases, rounds=1)


def growth(inputs: Inputs, _: str) -> Iterator[Group]:
    """Measure with more rows, more entries on the blacklist, and more hours."""
    inputs.hours(1)
    yield more_rows(inputs)
    yield more_entries(inputs)
    yield more_hours(inputs)


def more_rows(inputs: Inputs) -> Group:
    """Measure the report of hours with more and more rows."""
    blacklist = inputs.blacklist(inputs.scale.entries)
    sources = {factor: inputs.grown(factor) for factor in inputs.scale.factors}
    cases = [
        report_of(f"{factor} x {inputs.scale.rows:,} rows", inputs, source, blacklist, size=factor)
        for factor, source in sources.items()
    ]
    return Group("Rows of an hour", cases, axis="times the rows", files=[it / DAY.dump_path for it in sources.values()])


def more_entries(inputs: Inputs) -> Group:
    """Measure the report of one hour without a blacklist, then with longer and longer ones."""
    lists = {count: inputs.blacklist(count) for count in (inputs.scale.entries, inputs.scale.many_entries)}
    cases = [report_of(f"{count:,} entries", inputs, inputs.source, path, size=count) for count, path in lists.items()]
    cases.insert(0, report_of("no blacklist", inputs, inputs.source, None))
    return Group("Entries of the blacklist", cases, axis="entries", files=[inputs.source / DAY.dump_path])


def more_hours(inputs: Inputs) -> Group:
    """Measure batches of more and more hours."""
    files = [inputs.source / hour.dump_path for hour in inputs.hours(max(inputs.scale.batches))]
    cases = [batch_of(count, f"{count} hours", inputs) for count in inputs.scale.batches]
    return Group("Hours of a batch", cases, rounds=1, axis="hours", files=files)


def reading(inputs: Inputs, _: str) -> Iterator[Group | Count]:
    """Measure start-up, and reading an hour, a month, and eleven years of hours."""
    inputs.hours(inputs.scale.hours)
    count, blacklist, day = inputs.scale.month, inputs.blacklist(inputs.scale.entries), inputs.work / "day"
    prepare(batch(DAY, inputs.scale.hours, inputs.source, blacklist, day), inputs.work)
    month = inputs.month(day)
    reports = [month / top_pages_path(MONTH + i) for i in range(count)]
    newest = largest(reports[-1])
    domain = str(newest["domain_code"])
    show = [PVTOP, "show", "--output", str(month), "--domain", domain, "-n", "25", "--json"]
    status = [
        PVTOP,
        "status",
        *hour_range(MONTH, count),
        "--source",
        str(inputs.source),
        "--output",
        str(month),
        "--json",
    ]
    shown = prints_fields({"hour": (MONTH + (count - 1)).iso, "domains": [newest]})
    cases = [
        Case(TYPER, [sys.executable, "-c", "import typer"]),
        Case(HELP, [PVTOP, "--help"]),
        Case(f"pvtop show, the newest of {count:,} hours", show, shown),
        Case(f"pvtop status, {count:,} hours", status, prints_fields({"counts": {"made": count}})),
        Case(
            f"scan_parquet, one domain of {count:,} hours",
            probe("month.py", month, domain),
            prints(sum_of_domain(reports, domain)),
        ),
    ]
    yield Group("Reading", cases)
    yield Count(f"pvtop show, the newest of {count:,} hours", show, {"lake": month})
    yield Count(f"pvtop status, {count:,} hours", status, {"lake": month, "source": inputs.source})
    yield from eleven_years(inputs, [day / top_pages_path(DAY + i) for i in range(inputs.scale.hours)])


def eleven_years(inputs: Inputs, reports: Sequence[Path]) -> Iterator[Group | Count]:
    """Measure the status and the plan of a lake of very many hours: with empty markers, then with reports."""
    count, source, blacklist = inputs.scale.markers, inputs.decade_source(), inputs.blacklist(inputs.scale.entries)
    empty, whole = inputs.decade("empty", inputs.empty_markers()), inputs.decade("whole", reports)

    def planning(lake: Path) -> list[str]:
        return [*batch(OLDEST, count, source, blacklist, lake), "--dry-run", "--json"]

    status = [PVTOP, "status", *hour_range(OLDEST, count), "--source", str(source), "--output", str(empty), "--json"]
    made_again = plans("make", count)
    cases = [
        Case("pvtop status, empty markers", status, prints_fields({"counts": {"made": count}})),
        Case("pvtop batch --dry-run, empty markers", planning(empty), made_again),
        Case("pvtop batch --dry-run, reports", planning(whole), made_again),
    ]
    yield Group(f"A lake of {count:,} hours", cases)
    yield Count(f"pvtop status, {count:,} hours", status, {"lake": empty, "source": source})
    yield Count(f"pvtop batch --dry-run, {count:,} hours", planning(whole), {"lake": whole, "source": source})


PARTS: dict[str, Part] = {
    "hour": one_hour,
    "alternatives": alternatives,
    "batch": one_batch,
    "network": network,
    "growth": growth,
    "reading": reading,
    **DAY_PARTS,
    **MART_PARTS,
}


def cached_report(inputs: Inputs) -> Case:
    """Download the hour into a cache. Return the case that makes its report from there, without a server."""
    blacklist, cache = inputs.blacklist(inputs.scale.entries), inputs.work / "cache"
    with serving(inputs.source) as address:
        command = report(DAY, address, blacklist, cache)
        prepare([*command, "--refresh-dump", "--contact", CONTACT], inputs.work)
    reference = inputs.reference(inputs.source / DAY.dump_path, blacklist)
    return Case(REPORT, command, holds({DAY: reference}))


def report_of(name: str, inputs: Inputs, source: Path, blacklist: Path | None, size: int = 0) -> Case:
    """Return the case that makes the report of the first hour of a source."""
    reference = inputs.reference(source / DAY.dump_path, blacklist or inputs.no_blacklist())
    command = [
        "env",
        "PVTOP_MAX_INFLATED=4GB",
        *report(DAY, source, blacklist),
    ]  # eight times the rows are beyond the default
    return Case(name, command, holds({DAY: reference}), size=size)


def batch_of(count: int, name: str, inputs: Inputs) -> Case:
    """Return the case that makes the reports of the first hours of the source."""
    command = batch(DAY, count, inputs.source, inputs.blacklist(inputs.scale.entries))
    return Case(name, command, expected(inputs, count), size=count)


def expected(inputs: Inputs, count: int) -> Check:
    """Return the check of the reports of the first hours of the source, which repeat after a day."""
    blacklist = inputs.blacklist(inputs.scale.entries)
    day = [inputs.source / (DAY + i).dump_path for i in range(min(count, inputs.scale.hours))]
    references = [inputs.reference(dump, blacklist) for dump in day]
    return holds({DAY + i: references[i % len(day)] for i in range(count)})
