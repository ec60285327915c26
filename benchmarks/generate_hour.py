"""Write one dump of realistic size and shape, for benchmarks. A seed makes it the same everywhere.

    python benchmarks/generate_hour.py 2024-08-03T06 --source big
    python benchmarks/generate_hour.py 2016-08-03T06 --source big --rows 1000000

The shape follows real hours: 5.8 million rows are some 250 MB raw and 59 MB as gzip, 1,700 domain codes share them
by a power law, 55-60 % of the counts are 1, titles have one to five words in the domain's script, rows are sorted by
code and title in byte order. From February 2023 a title with a double quote is written in quotes with backslashes;
before, as it is.
"""

import argparse
import gzip
import random
import shutil
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import polars as pl

QUOTED_SINCE = datetime(2023, 2, 1, tzinfo=UTC)
SYLLABLES = {
    "latin": "an ber ca do el fri gar ho is ju ka lo ma nor ol pe qui ra sen ti ul ver wa xi yor zen st ch ing er",
    "accented": "né ör ça dó él frî gär hø ís jü kå łó mã ñor öl pé qui řa šen tí ül vër wą ży ž st ch ing ěr on ar",
    "cyrillic": "ан бер ва го дел жи зар ин ка ло ма нор ол пе ра сен ти ул фер хо ци чен шу щи эк ю ян ский ова",
    "arabic": "ال اب تا ثر جم حا خد دا رم زي سن شه صد ضو طر عا غر في قا كت لم مر نو هد وا ية",
    "devanagari": "का खे गी घर चा छो जन टा ठी डे तर थी दा धन ना पा फल बा भी मा या रा ला वी शा सा ही",
    "cjk": "山 川 東 京 大 学 中 国 日 本 人 水 火 木 金 土 天 地 海 空 花 月 星 雪 雨 風 春 夏 秋 冬 新 古 高 長 小",
}
LANGUAGES = {
    "latin": "en it id nl he no da simple ms ca eu gl la",
    "accented": "de es fr pt pl tr sv cs vi hu ro hr sk az lt et sl lv",
    "cyrillic": "ru uk bg sr el kk mk be ky",
    "cjk": "ja zh ko zh-yue",
    "arabic": "ar fa ur ckb",
    "devanagari": "hi bn mr th ta ml ne",
}
PROJECTS = [
    "",
    ".m",
    ".d",
    ".m.d",
    ".s",
    ".b",
    ".q",
    ".m.s",
    ".voy",
    ".m.b",
    ".n",
    ".v",
    ".m.q",
    ".m.voy",
    ".m.v",
    ".m.n",
]
WIKIS = ["commons.m", "commons.m.m", "meta.m", "meta.m.m", "www.wd", "m.wd", "www.w", "m.w", "species.m", "www.s", '""']
VOCABULARY = 40_000
WORDS = [1, 0.85, 0.45, 0.2, 0.08]  # shares of the titles that have a first, second, ... word
DECORATIONS = [  # shares of the titles, and what they become
    (0.08, "{}_({})"),
    (0.04, "File:{}_{}.jpg"),
    (0.03, "Category:{}"),
    (0.02, "Special:Search/{}"),
    (0.002, '"{}"'),
    (0.001, "{}/AC\\DC"),
]
OWN = ["Main_Page", "-", "Special:Search"]  # the most viewed pages of every domain


def codes(count: int, rng: random.Random) -> list[tuple[str, str]]:
    """Return `count` pairs of domain code and script, the largest domains first."""
    languages = [(name, script) for script, names in LANGUAGES.items() for name in names.split()]
    languages.sort(key=lambda pair: LANGUAGES[pair[1]].split().index(pair[0]))
    taken = {name for name, _ in languages}
    while len(languages) * len(PROJECTS) < count:
        name = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=3))
        if name not in taken:
            taken.add(name)
            languages.append((name, rng.choice(list(SYLLABLES))))
    ranked = sorted(
        (rank * (1 + 12 * PROJECTS.index(project)), language + project, script)
        for project in PROJECTS
        for rank, (language, script) in enumerate(languages, 1)
    )
    pairs = [(code, script) for _, code, script in ranked]
    pairs[12:12] = [(wiki, "latin") for wiki in WIKIS]
    return pairs[:count]


def uniform(rows: int, rng: random.Random) -> pl.Series:
    """Return `rows` numbers in [0, 1): a counter hashed with a seed, the same on every machine."""
    hashed = pl.select(pl.int_range(rows, dtype=pl.UInt64).hash(rng.getrandbits(60))).to_series()
    return (hashed // 2**11).cast(pl.Float64) / 2**53


@cache
def vocabulary(script: str) -> pl.Series:
    """Return the words of a script."""
    rng = random.Random(script)
    syllables = SYLLABLES[script].split()
    lengths = range(1, 4) if script == "cjk" else range(2, 6)
    return pl.Series(["".join(rng.choices(syllables, k=rng.choice(lengths))).capitalize() for _ in range(VOCABULARY)])


def titles(script: str, rows: int, rng: random.Random) -> pl.Series:
    """Return `rows` titles in a script. Some occur twice; frequent words occur in many titles."""
    words = vocabulary(script)
    joint = "" if script == "cjk" else "_"
    parts = []
    for share in WORDS:
        skewed = (uniform(rows, rng) ** 2.5 * len(words)).cast(pl.UInt32)
        word = words.gather(skewed)
        parts.append(
            pl.select(pl.when(uniform(rows, rng) < share).then(joint + word).otherwise(pl.lit(""))).to_series()
        )
    name = pl.DataFrame([part.alias(str(i)) for i, part in enumerate(parts)]).select(
        name=pl.concat_str(pl.all()).str.strip_prefix(joint),
        year=(uniform(rows, rng) * 200 + 1825).cast(pl.Int32).cast(pl.String),
        draw=uniform(rows, rng),
    )
    decorated = pl.col("name")
    below = sum(share for share, _ in DECORATIONS)
    for share, form in reversed(DECORATIONS):
        columns = ["name", "year"][: form.count("{}")]
        decorated = pl.when(pl.col("draw") < below).then(pl.format(form, *columns)).otherwise(decorated)
        below -= share
    # The last `when` is checked first, so it has the smallest bound.
    return name.select(decorated).to_series()


def hour(rows: int, domains: int, seed: int) -> pl.DataFrame:
    """Return a whole hour: `code` String, `title` String, `views` Int64; sorted, no page twice."""
    rng = random.Random(seed)
    pairs = codes(domains, rng)
    shares = [1 / (rank + 3) ** 1.25 for rank in range(len(pairs))]
    parts = []
    for (code, script), share in zip(pairs, shares, strict=True):
        wanted = max(3, round(rows * share / sum(shares)))
        drawn = titles(script, wanted + wanted // 5 + 8, rng).unique(maintain_order=True).head(wanted)
        own = pl.concat([pl.Series(OWN), drawn])
        parts.append(pl.DataFrame({"code": pl.repeat(code, len(own), eager=True), "title": own}))
    frame = pl.concat(parts).unique(["code", "title"], maintain_order=True)
    views = ((1 - uniform(len(frame), rng)) ** (-1 / 1.25)).clip(1, 400_000).cast(pl.Int64)
    most = pl.when(pl.col("title").is_in(OWN)).then(50).otherwise(1)
    return frame.with_columns(views=views).with_columns(pl.col("views") * most).sort("code", "title")


def written(frame: pl.DataFrame) -> pl.DataFrame:
    """Encode titles as the writer since 2023 does."""
    title = pl.col("title")
    quoted = '"' + title.str.replace_all(r'(["\\])', r"\${1}") + '"'
    return frame.with_columns(title=pl.when(title.str.contains('"', literal=True)).then(quoted).otherwise(title))


def write(frame: pl.DataFrame, stamp: datetime, source: Path) -> Path:
    """Write an hour as a dump into a source, in the format of its time. The file appears complete."""
    if stamp.replace(tzinfo=UTC) >= QUOTED_SINCE:
        frame = written(frame)
    path = source / f"{stamp:%Y/%Y-%m/pageviews-%Y%m%d-%H0000.gz}"
    path.parent.mkdir(parents=True, exist_ok=True)
    raw, packing = path.with_suffix(".txt"), path.with_suffix(".part")
    frame.with_columns(size=pl.lit(0)).write_csv(raw, include_header=False, separator=" ", quote_style="never")
    with raw.open("rb") as text, packing.open("wb") as target, gzip.GzipFile("", "wb", 6, target, mtime=0) as packed:
        shutil.copyfileobj(text, packed, 1 << 20)
    raw_bytes, gzip_bytes = raw.stat().st_size, packing.stat().st_size
    print(f"{path}: {len(frame):,} rows, {raw_bytes:,} bytes, {gzip_bytes:,} as gzip", file=sys.stderr)
    raw.unlink()
    packing.rename(path)
    return path


def main() -> None:
    """Write the hour that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hour", type=datetime.fromisoformat, help="the stamp, 2024-08-03T06")
    parser.add_argument("--source", type=Path, required=True, help="the folder that becomes a source")
    parser.add_argument("--rows", type=int, default=5_800_000)
    parser.add_argument("--domains", type=int, default=1_700)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    write(hour(args.rows, args.domains, args.seed), args.hour, args.source)


if __name__ == "__main__":
    main()
