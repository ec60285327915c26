"""Write the dumps of whole days, drawn from one population of pages, for benchmarks.

    python benchmarks/generate_day.py --day 2024-08-03 --source big
    python benchmarks/generate_day.py --day 2024-07-01 --hours 168 --rows 1450000 --source week

Codes, titles and the format are those of `generate_hour.py`, and so is the size of an hour. All hours have the same
pages: a page has a rate, which is its expected views in an hour, and its views in an hour are a Poisson draw. The rate
rises and falls with the time of day, and the peak hour depends on the language. Mobile has the titles and the rates of
desktop. At full size a day is 139 million rows of 28 million pages, out of a population of 60 million. A page that is
seen at all is seen in 4.9 of the 24 hours, and 57 % of the counts are 1.

An hour depends on its stamp, the size and the seed only, and is the same everywhere. A week is seven days of one
population.
"""

import argparse
import gzip
import io
import math
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import polars as pl

from generate_hour import OWN, codes, titles, uniform, written

FLOOR, CEILING = 0.005, 400_000  # the lowest and the highest rate
KNEE = 8  # the rate at which the power law of the rates gets steeper
BODY, TAIL = 0.53, 1.25  # its exponents below and above
SWING = 0.4  # of the rate, up and down, in the course of a day
OWN_SHARES = [0.05, 0.03, 0.02]  # rates of the most viewed pages of a domain, to its rows in an hour
NORMAL_FROM = 16  # from this rate on, a rounded normal stands for Poisson
LAST_STEP = 60  # of the inversion: no page with a lower rate gets more views
PAGES_AT_ONCE = 1_000_000
THREADS = 2
ONE_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Population:
    """The pages of all hours.

    Attributes:
        rows: Rows of an hour, on average.
        domains: Number of domain codes.
        seed: What makes this population differ from others of the same size.
    """

    rows: int = 5_800_000
    domains: int = 1_700
    seed: int = 1

    def slices(self) -> Iterator[pl.DataFrame]:
        """Yield the pages in the order of a dump, whole domains together. Columns as in `pages_of`."""
        parts: list[pl.DataFrame] = []
        for code, script, rows in self.domain_sizes():
            parts.append(pages_of(code, script, rows, self.seed))
            if sum(map(len, parts)) >= PAGES_AT_ONCE:
                yield pl.concat(parts)
                parts = []
        if parts:
            yield pl.concat(parts)

    def domain_sizes(self) -> list[tuple[str, str, float]]:
        """Return code, script and rows of an hour of every domain, codes in byte order."""
        pairs = codes(self.domains, random.Random(self.seed))
        shares = [1 / (rank + 3) ** 1.25 for rank in range(len(pairs))]
        sizes = [(*pair, self.rows * share / sum(shares)) for pair, share in zip(pairs, shares, strict=True)]
        return sorted(sizes, key=lambda size: size[0].encode())


def pages_of(code: str, script: str, rows: float, seed: int) -> pl.DataFrame:
    """Return the pages of a domain, sorted by title.

    Returns:
        Columns: `page` String (code and title as a dump writes them), `rate` Float64 (expected views in an hour, the
        average of a day), `peak` UInt8 (the hour of the day with the highest rate).
    """
    wiki = [part for part in code.split(".") if part not in {"m", "www"}]  # the same for desktop and mobile
    rng = random.Random(f"{seed} {wiki}")
    count = max(1, round(rows / rows_a_page()))
    rates = [max(1.0, share * rows) for share in OWN_SHARES]
    frame = pl.DataFrame(
        {
            "rate": pl.concat([pl.Series(rates), rate_of(uniform(count, rng))]),
            "title": pl.concat([pl.Series(OWN), distinct(titles(script, count, rng))]),
        }
    )
    peak = random.Random(wiki[0] if wiki else "").randrange(24)
    page = pl.format("{} {}", pl.lit(code), "title")
    return written(frame.sort("title")).select(page=page, rate="rate", peak=pl.lit(peak, dtype=pl.UInt8))


def distinct(names: pl.Series) -> pl.Series:
    """Append the row number to every title that occurred before, as in the name of a subpage."""
    frame = pl.DataFrame({"name": names}).with_row_index()
    again = pl.col("name").is_first_distinct().not_()
    return frame.select(pl.when(again).then(pl.format("{}/{}", "name", "index")).otherwise("name")).to_series()


def rate_of(draws: pl.Series) -> pl.Series:
    """Return a rate for each uniform draw: a power law from `FLOOR` on, steeper from `KNEE` on, cut at `CEILING`."""
    floor, knee = math.pow(FLOOR, -BODY), math.pow(KNEE, -BODY)
    body, tail = (floor - knee) / BODY, knee / TAIL
    share = tail / (body + tail)
    above = KNEE * (draws / share).pow(-1 / TAIL)
    below = (knee + (draws - share) / (1 - share) * (floor - knee)).pow(-1 / BODY)
    return above.zip_with(draws < share, below).clip(FLOOR, CEILING)


@cache
def rows_a_page() -> float:
    """Return the rows of an hour that a page of the population makes on average: the probability that it is seen."""
    steps = 100_000
    rates = rate_of(pl.Series([(step + 0.5) / steps for step in range(steps)]))
    return sum(float((1 - (-rates * factor).exp()).sum()) for factor in rhythm(0)) / 24 / steps


def rhythm(hour: int) -> pl.Series:
    """Return the factor of the rate in an hour of the day, for each of the 24 peak hours."""
    return pl.Series([1 + SWING * math.cos((hour - peak) * math.tau / 24) for peak in range(24)])


def poisson(rate: pl.Series, draw: pl.Series, rng: random.Random) -> pl.Series:
    """Return a Poisson count for each rate and uniform draw, at least 1. The draws are at least the probability of 0.

    Low rates: inversion, so the count is the number of cumulative probabilities that the draw reaches. Rates from
    `NORMAL_FROM` on: a normal variable with the same mean and variance, rounded.
    """
    angle = uniform(len(rate), rng) * math.tau
    normal = rate + rate.sqrt() * (-2 * draw.log()).sqrt() * angle.cos()
    low = rate.clip(upper_bound=NORMAL_FROM)
    probability = (-low).exp()
    reached, count = probability, pl.zeros(len(rate), dtype=pl.Int64, eager=True)
    for step in range(1, LAST_STEP + 1):
        count += (draw >= reached).cast(pl.Int64)
        probability = probability * low / step
        reached = reached + probability
    return count.zip_with(rate < NORMAL_FROM, normal.round().cast(pl.Int64)).clip(1)


class HourFile:
    """A dump that is written slice by slice. It gets its name when it is complete.

    Args:
        start: The start of the hour. The stamp is an hour later.
        source: The folder of the source.
        seed: The seed of the population.
    """

    def __init__(self, start: datetime, source: Path, seed: int) -> None:
        stamp = start + ONE_HOUR
        self.start = start
        self.path = source / f"{stamp:%Y/%Y-%m/pageviews-%Y%m%d-%H0000.gz}"
        self.part = self.path.with_suffix(".part")
        self.rows = self.ones = self.raw_bytes = 0
        self._seeds = random.Random(f"{seed} {stamp:%Y-%m-%dT%H}")
        self.part.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.part.open("wb")
        self._gzip = gzip.GzipFile("", "wb", 6, self._file, mtime=0)

    def append(self, pages: pl.DataFrame) -> pl.Series:
        """Draw the views of some pages and write them. Return for each page whether it was seen."""
        rng = random.Random(self._seeds.getrandbits(60))
        rate = pages["rate"] * rhythm(self.start.hour).gather(pages["peak"])
        draw = uniform(len(pages), rng)
        seen = draw >= (-rate).exp()
        views = poisson(rate.filter(seen), draw.filter(seen), rng)
        self._write(pages["page"].filter(seen), views)
        return seen

    def _write(self, page: pl.Series, views: pl.Series) -> None:
        lines = pl.DataFrame({"page": page, "views": views, "size": pl.repeat(0, len(page), eager=True)})
        text = io.BytesIO()
        lines.write_csv(text, include_header=False, separator=" ", quote_style="never")
        self._gzip.write(text.getbuffer())
        self.rows += len(lines)
        self.ones += int((views == 1).sum())
        self.raw_bytes += text.tell()

    def close(self) -> None:
        """Complete the file."""
        self._gzip.close()
        self._file.close()
        self.part.rename(self.path)


def write(population: Population, start: datetime, hours: int, source: Path) -> None:
    """Write the hours from a start on as dumps into a source. Print their figures."""
    files = [HourFile(start + i * ONE_HOUR, source, population.seed) for i in range(hours)]
    pages: dict[date, int] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for part in population.slices():
            seen: dict[date, pl.Series] = {}
            for file, mask in zip(files, pool.map(HourFile.append, files, [part] * hours), strict=True):
                day = file.start.date()
                seen[day] = mask | seen[day] if day in seen else mask
            for day, mask in seen.items():
                pages[day] = pages.get(day, 0) + int(mask.sum())
    for file in files:
        file.close()
        tell(str(file.path), [file])
    for day, count in pages.items():
        tell(str(day), [file for file in files if file.start.date() == day], count)


def tell(name: str, files: list[HourFile], pages: int = 0) -> None:
    """Print the figures of some hours, and of the pages that were seen in them."""
    rows = sum(file.rows for file in files)
    ones = sum(file.ones for file in files) / rows
    raw, packed = sum(file.raw_bytes for file in files), sum(file.path.stat().st_size for file in files)
    seen = f", {pages:,} pages seen, {rows / pages:.2f} rows a page" if pages else ""
    sizes = f"{raw:,} bytes, {packed:,} as gzip"
    print(f"{name}: {rows:,} rows{seen}, {ones:.1%} of counts are 1, {sizes}", file=sys.stderr)


def main() -> None:
    """Write the hours that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="the first UTC day, 2024-08-03")
    parser.add_argument("--source", type=Path, required=True, help="the folder that becomes a source")
    parser.add_argument("--hours", type=int, default=24, help="how many hours from the start of the day on")
    parser.add_argument("--rows", type=int, default=5_800_000, help="rows of an hour, on average")
    parser.add_argument("--domains", type=int, default=1_700)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    population = Population(args.rows, args.domains, args.seed)
    write(population, datetime.combine(args.day, time(), UTC), args.hours, args.source)


if __name__ == "__main__":
    main()
