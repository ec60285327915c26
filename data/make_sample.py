"""Make the bundled sample: 76 small dumps, their projectviews and a blacklist, in the layout of the real server.

    python data/make_sample.py [FOLDER]          # default: the folder of this script

Everything is made up from `words.txt`, the tables below and a seed, so every run writes the same bytes. The
titles are well-known names, the views follow a power law and vary over the day, and every oddity of the
real dumps occurs somewhere. Pages that move or spike, and an hour that is missing, are planted (see `README.md`).
"""

import gzip
import io
import math
import random
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

SEED = "pvtop sample 1"
WORDS = Path(__file__).with_name("words.txt")
MISSING = datetime(2024, 12, 29, 13, tzinfo=UTC)
"""The hour that was never published."""
STAMPS = [datetime(2024, 12, 29, tzinfo=UTC) + timedelta(hours=hour) for hour in range(1, 74)]
STAMPS.remove(MISSING)
STAMPS += [datetime(2016, 2, 28, 23, tzinfo=UTC) + timedelta(hours=hour) for hour in range(4)]
QUOTED_SINCE = datetime(2023, 2, 1, tzinfo=UTC)
DENSE_SINCE = datetime(2024, 12, 31, tzinfo=UTC)
"""Since this hour, a less popular page is in most hours; on the days before it, in two of five."""
SPACED_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
"""Since this hour, the sample writes the empty domain code as nothing; before, as `""`."""

# Domain code, number of pages (roughly), views of a leading page at the peak of the day; `0` is the empty code.
DOMAINS = """
en 114 2600, en.m 98 2100, de 42 420, de.m 38 400, fr 38 330, fr.m 33 300, es 40 330, es.m 36 360,
ja 51 300, ja.m 38 420, ru 39 300, ru.m 36 280, zh 27 210, zh.m 25 190, it 20 150, pt 20 90,
pt.m 18 120, pl 18 110, pl.m 18 120, ar 17 60, ar.m 18 110, he 9 40, hi.m 15 50, ko 14 70, th.m 11 45,
el 9 20, uk 10 30, en.b 8 6, en.m.b 7 5, en.d 24 50, en.m.d 14 45, fr.d 12 9, ru.m.d 9 6, en.n 6 4,
en.m.n 4 3, en.q 8 9, de.m.q 6 3, en.s 12 8, en.m.s 7 4, www.s 9 5, m.s 4 3, en.v 7 5, en.m.v 4 3,
de.voy 6 3, en.m.voy 7 4, commons.m 18 80, commons.m.m 12 30, meta.m 8 12, incubator.m 4 3,
species.m 8 5, www.wd 16 60, m.wd 8 9, test.wd 3 3, www.w 10 14, m.w 6 5, www.f 4 6, www 2 9, www.m 2 3,
0 9 8, en.zero 12 40, hi.zero 8 20
"""

# Language, title, middle of the surge, strength relative to a leading page; for desktop and mobile.
SURGES = [
    ("en", "Sydney_Harbour_Bridge", "2024-12-31T14", 1.0),
    ("en", "New_Year's_Eve", "2024-12-31T23", 1.2),
    ("en", "Auld_Lang_Syne", "2025-01-01T01", 1.3),
    ("ja", "NHK紅白歌合戦", "2024-12-31T13", 6.0),
    ("ru", "Ирония_судьбы", "2024-12-31T16", 3.0),
    ("de", "Dinner_for_One", "2024-12-31T19", 4.0),
    ("es", "Nochevieja", "2024-12-31T22", 3.0),
    ("en", "Leap_year", "2016-02-29T00", 1.2),
    ("en", "Academy_Awards", "2016-02-29T02", 1.4),
    ("ko", "윤년", "2016-02-29T01", 2.0),
]

# Domain code, title, first and last stamp, views an hour. They come on top of what the page has anyway.
PLANTS = [
    # Movers: two pages that had views, and one that nobody viewed on the day before.
    ("en", "Bicycle", "2024-12-30T07", "2024-12-30T23", 2100),
    ("en.m", "Bicycle", "2024-12-30T07", "2024-12-30T23", 1800),
    ("ja", "ゴジラ", "2024-12-30T04", "2024-12-30T15", 700),
    ("ja.m", "ゴジラ", "2024-12-30T04", "2024-12-30T15", 1100),
    ("pt", "Eça_de_Queirós", "2024-12-30T11", "2024-12-30T23", 240),
    ("pt.m", "Eça_de_Queirós", "2024-12-30T11", "2024-12-30T23", 310),
    # Spikes: on desktop only, on mobile only, and on both, where some interest is left an hour later.
    ("en", "DNA", "2024-12-30T04", "2024-12-30T04", 14000),
    ("es.m", "Paella", "2024-12-30T13", "2024-12-30T13", 3000),
    ("fr", "Molière", "2024-12-30T21", "2024-12-30T21", 1500),
    ("fr.m", "Molière", "2024-12-30T21", "2024-12-30T21", 1700),
    ("fr", "Molière", "2024-12-30T22", "2024-12-30T22", 210),
    ("fr.m", "Molière", "2024-12-30T22", "2024-12-30T22", 260),
    # Left out of movers and spikes: a page on the blacklist, and the unknown page.
    ("en", "Prime_number", "2024-12-30T09", "2024-12-30T20", 2500),
    ("en.m", "Prime_number", "2024-12-30T09", "2024-12-30T20", 2000),
    ("de", "-", "2024-12-30T15", "2024-12-30T15", 30000),
    # In one hour only: three pages, and a domain.
    ("fr.m", '"L\'Heure_bleue"', "2024-12-29T09", "2024-12-29T09", 1),
    ("zh.m", "哈雷彗星", "2024-12-30T06", "2024-12-30T06", 3),
    ("en", "Halley's_Comet", "2024-12-30T19", "2024-12-30T19", 2),
    ("is", "Forsíða", "2024-12-30T10", "2024-12-30T10", 12),
    ("is", "Reykjavík", "2024-12-30T10", "2024-12-30T10", 5),
]

FIRST = [11.0, 1.6]
"""Views of the main page and the search page, relative to a leading page."""
TAIL = [1] * 28 + [0] * 3 + [2, 2, 3, 5, 7]
"""Views of the less popular pages; with 0 the page is not in the hour."""
SPARSE_TAIL = [0] * 22 + [1] * 6 + [2, 3, 3, 4, 5, 6, 7, 11]
"""The same for hours before `DENSE_SINCE`. The sum is the same, so that no page moves between the days by this."""
UNKNOWN_FROM_PAGES = 9
SURGE_HOURS = 4

ALL, NEW, OLD = "20", "202", "2016"
LONG_TITLE = "กรุงเทพมหานคร_" * 12 + "มหินทรช้าง_2"
TIED_TITLES = """
\uff21 ｱﾆﾒ 😀 𠮷野家 Zebra apple Éclair 百鬼夜行 夢 龍 味噌 雨月物語 ドラえもん 100円ショップ Ñandú
"""
# Domain code, title, views, hours (a pattern for the start of YYYYMMDDHH).
ODDITIES = [
    ("en", '"Heroes"', 420, ALL), ("en", 'a"b', 3, ALL), ("en", '\\"q', 2, NEW), ("en", "AC\\DC", 510, ALL),
    ("en", "q\\", 4, NEW), ("en", "'apos'", 3, ALL), ("en", "#hash", 2, ALL), ("en", "a,b", 2, ALL),
    ("en", '"gospel_writers"', 90, ALL), ("de", '"Heroes"', 60, ALL), ("fr.d", '\\"q', 3, NEW),
    ("en.d", 'a"b', 8, ALL), ("en.v", "q\\", 3, ALL), ("www.w", 'Manual:$wg"\\"', 4, NEW),
    ("en.q", '"To_be,_or_not_to_be"', 7, ALL), ("en", "<script>alert(1)</script>", 330, ALL),
    ("en.m", "=1+1", 300, ALL), ("en.d", "=1+1", 9, ALL), ("0", "Z11550", 1, NEW), ("0", "Z6", 4, NEW),
    ("en", "10\u00a0km_run", 5, ALL), ("ja", "東京\u3000タワー", 95, ALL), ("de", "Next\u0085line", 66, ALL),
    ("en", "Line\u2028separator", 260, ALL), ("fr", "\u00a0Paris", 40, ALL), ("zh", "北京\u3000", 33, ALL),
    ("en", "Caf%C3%A9_de_Flore", 240, ALL), ("en.m", "Caf%C3%A9_de_Flore", 280, ALL),
    ("ru", "%D0%9C%D0%BE%D1%81%D0%BA%D0%B2%D0%B0", 44, ALL), ("de", "M%FCnchen", 30, ALL),
    ("en", "100%_Arabica", 6, ALL), ("es", "50%_de_descuento", 9, ALL), ("th.m", LONG_TITLE, 9, ALL),
    *[("ja", title, 8, ALL) for title in TIED_TITLES.split()],
    ("en", "\x1b[31mRed\x1b[0m", 350, OLD), ("en", "Tab\there", 270, OLD), ("de", "\x01Start", 55, OLD),
    ("fr", "Form\x0cfeed", 35, OLD), ("es", "Vertical\x0btab", 31, OLD), ("en.m", "Bell\x07", 290, OLD),
    ("ru", "Unit\x1fseparator", 33, OLD), ("pl", "Delete\x7f", 14, OLD), ("it", "Carriage\rreturn", 22, OLD),
    ("fr", "Caf\udce9", 38, OLD), ("zh", "北京\udce5\udc8c", 27, OLD), ("en", "\udcff\udcfe", 2, OLD),
]  # fmt: skip

# Raw lines to insert into the dumps of 2016: position and bytes. A `\n` breaks one row into two lines.
DIRT = {
    "2016022823": [(0, b"Wikimania 1 0"), (300, b""), (411, b"en  506 0"), (702, b"Contact_us 1 0")],
    "2016022900": [
        (120, b"en Broken_title\n 7 0"),
        (333, b"Wikimania 2 0"),
        (500, b"\r"),
        (640, b"en.m Two words 3 0"),
    ],
    "2016022901": [
        (77, b"de  12 0"),
        (250, b"ja.m \xe6\xa1\x9c\n 2 0"),
        (251, b""),
        (252, b""),
        (800, b"Contact_us 4 0"),
    ],
    "2016022902": [(600, b"Wikimania 1 0\r"), (601, b"")],
}
CRLF_EVERY = 301

# As in the file, except that the entry without a title ends with a space there.
BLACKLIST = """
aa Main_Page
bn.m.v
zu.m.d Igama
nah.q %C4%80tl
en Special%3ASearch
en.m Special:Search
de Spezial%3ASuche
fr Sp%C3%A9cial:Recherche
es Especial:Buscar
ja %e7%89%b9%e5%88%a5:%E6%A4%9C%E7%B4%A2
ru %D0%A1%D0%BB%D1%83%D0%B6%D0%B5%D0%B1%D0%BD%D0%B0%D1%8F%3A%D0%9F%D0%BE%D0%B8%D1%81%D0%BA
zh Special:%E6%90%9C%E7%B4%A2
commons.m Special%3aSearch
en New%20York%20City
en New_York_City
en Mona%20Lisa
fr Tour%20Eiffel
de.m Ludwig%20van%20Beethoven
en S%C3%A3o_Paulo
en.m s%C3%A3o_Paulo
en.m Reykjav%c3%adk
en Caf%C3%A9_de_Flore
ru %D0%9C%D0%BE%D1%81%D0%BA%D0%B2%D0%B0
de M%FCnchen
fr Caf%E9
es A%F1o_bisiesto
en 100%_Arabica
en 99%zz_Invisible
es 50%_de_descuento
en "gospel_writers"
de %22Heroes%22
en.v q%5C
en.m AC\\DC
en.m C++
en %22Quotes%22_"raw"
pl Łódź
pl.m %C5%81%C3%B3d%C5%BA
hi.m ताजमहल
en.zero Special%3ASearch
www.wd Q42
ja 東京　タワー%2F
"""
BLACKLISTED_CODES = """
en en.m de de.m fr fr.m es es.m ja ja.m ru ru.m zh zh.m it pt pt.m pl pl.m ar ar.m ko hi.m commons.m en.d
"""


class Block(NamedTuple):
    """A block of `words.txt`: the hour of most views, the main page, the search page, prefixes and words."""

    peak: int
    main: str
    search: str
    prefixes: list[str]
    words: list[str]


def parse_words(text: str) -> dict[str, Block]:
    """Parse the blocks: a line with key, peak, main page, search page and prefixes; then lines of words."""
    blocks: dict[str, Block] = {}
    key = ""
    for line in filter(None, text.split("\n")):
        fields = line.split(" ")
        if fields[1:] and fields[1].isdigit():
            key, peak, main, search, *prefixes = fields
            blocks[key] = Block(int(peak), main, search, prefixes, [])
        else:
            blocks[key].words.extend(fields)
    return blocks


def parse_domains(text: str) -> dict[str, tuple[int, int]]:
    """Parse the table of domains into code, pages and scale. The code `0` stands for the empty one."""
    entries = (entry.split() for entry in text.split(","))
    return {code: (int(pages), int(scale)) for code, pages, scale in entries}


BLOCKS = parse_words(WORDS.read_text("utf-8"))
SIZES = parse_domains(DOMAINS)


def block_of(code: str) -> Block:
    """Return the block of a domain: of its project, or else of its language."""
    parts = [part for part in code.split(".") if part not in {"m", "zero"}]
    return BLOCKS[parts[-1] if parts else "www"]


def titles(code: str) -> list[str]:
    """Return the titles of a domain, the most popular first. They are the same for every hour."""
    block, rng = block_of(code), random.Random(f"{SEED} titles {code}")
    plain = sorted(block.words, key=lambda _: rng.random())
    more = [prefix + word for prefix in block.prefixes for word in block.words]
    return [block.main, block.search, *plain, *sorted(more, key=lambda _: rng.random())]


def level(code: str, stamp: datetime) -> float:
    """Return the views of a leading page at this hour of the day."""
    angle = 2 * math.pi * (stamp.hour - block_of(code).peak) / 24
    return SIZES[code][1] * (0.68 + 0.32 * math.cos(angle))


def tail(stamp: datetime) -> list[int]:
    """Return the views that a less popular page may have in one hour."""
    return SPARSE_TAIL if QUOTED_SINCE <= stamp < DENSE_SINCE else TAIL


def page_views(rank: int, pages: int, scale: float, tail: list[int], rng: random.Random) -> int:
    """Return random views for the page at a rank: a power law for the leading quarter, then mostly ones."""
    draw = rng.random()
    if rank >= max(2, 0.24 * pages):
        return tail[int(draw * len(tail))]
    factor = FIRST[rank] if rank < len(FIRST) else rank**-0.9
    return max(1, int(scale * factor * (0.9 + 0.2 * draw)))


def domain_rows(code: str, stamp: datetime) -> dict[str, int]:
    """Return the views of each page of a domain in one hour."""
    rng, scale, pages = random.Random(f"{SEED} {code} {stamp:%Y%m%d%H}"), level(code, stamp), SIZES[code][0]
    views = {title: page_views(rank, pages, scale, tail(stamp), rng) for rank, title in enumerate(titles(code)[:pages])}
    if pages >= UNKNOWN_FROM_PAGES:
        views["-"] = max(1, int(scale * (2.2 + 0.4 * rng.random())))
    for prefix, title, middle, strength in SURGES:
        away = abs(stamp - datetime.fromisoformat(middle).replace(tzinfo=UTC)) // timedelta(hours=1)
        if code in {prefix, f"{prefix}.m"} and code in SIZES and away <= SURGE_HOURS:
            views[title] = views.get(title, 0) + int(scale * strength / 2**away)
    for owner, title, count, hours in ODDITIES:
        if owner == code and re.match(hours, f"{stamp:%Y%m%d%H}"):
            exact = title in TIED_TITLES.split()
            views[title] = count if exact else max(1, int(count * (0.85 + 0.3 * rng.random())))
    return {title: count for title, count in views.items() if count}


def planted_rows(stamp: datetime) -> Iterator[tuple[str, str, int]]:
    """Yield the planted rows of one hour, with random views around those of the table."""
    for code, title, first, last, count in PLANTS:
        if first <= f"{stamp:%Y-%m-%dT%H}" <= last:
            rng = random.Random(f"{SEED} plant {code} {title} {stamp:%Y%m%d%H}")
            yield code, title, round(count * (0.85 + 0.3 * rng.random()))


def hour_rows(stamp: datetime) -> list[tuple[str, str, int]]:
    """Return the rows of one hour, sorted like the real dumps. The eras differ in a few codes."""
    recent = stamp >= QUOTED_SINCE
    codes = [code for code in SIZES if not (code.endswith(".zero") if recent else code == "0")]
    views = {
        ("" if code == "0" else code, title): count
        for code in codes
        for title, count in domain_rows(code, stamp).items()
    }
    for code, title, count in planted_rows(stamp):
        views[code, title] = views.get((code, title), 0) + count
    rows = [(code, title, count) for (code, title), count in views.items()]
    return sorted(rows, key=lambda row: (raw(row[0]), raw(row[1])))


def raw(text: str) -> bytes:
    """Encode as UTF-8; a surrogate becomes a byte that is not UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def spark_field(text: str) -> str:
    r"""Quote like the writer of Spark: only text that contains `"`, with a backslash before `"` and `\`."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"' if '"' in text else text


def recent_lines(rows: Iterable[tuple[str, str, int]], stamp: datetime) -> list[bytes]:
    """Return rows as lines in the format since 2023."""
    empty = "" if stamp >= SPACED_SINCE else '""'
    return [raw(f"{code or empty} {spark_field(title)} {views} 0") for code, title, views in rows]


def legacy_lines(rows: Iterable[tuple[str, str, int]], stamp: datetime) -> list[bytes]:
    """Return rows as lines in the format of 2016: raw, here unsorted, with a few malformed lines."""
    lines = [raw(f"{code} {title} {views} 0") for code, title, views in rows]
    rng = random.Random(f"{SEED} order {stamp:%Y%m%d%H}")
    lines.sort(key=lambda _: rng.random())
    for place in range(CRLF_EVERY, len(lines), CRLF_EVERY):
        lines[place] += b"\r"
    for place, line in DIRT[f"{stamp:%Y%m%d%H}"]:
        lines.insert(place, line)
    return lines


def projectviews(rows: Iterable[tuple[str, str, int]]) -> bytes:
    """Return the views of each code, in the format of a projectviews file."""
    sums: dict[str, int] = {}
    for code, _, views in rows:
        sums[code or '""'] = sums.get(code or '""', 0) + views
    return b"".join(raw(f"{code} - {sums[code]} 0\n") for code in sorted(sums))


def spelled(title: str, turn: int) -> str:
    """Return one of the four spellings of a title that blacklists have: raw, or percent-encoded in three ways."""
    upper = quote(title, safe="/:_(),.'!")
    lower = re.sub("%..", lambda escape: escape[0].lower(), upper)
    return [title, upper, lower, upper.replace("_", "%20").replace(":", "%3A")][turn % 4]


def blacklist() -> bytes:
    """Return the blacklist: the entries above, and a few less popular titles of the larger domains."""
    lines = {line if " " in line else f"{line} " for line in BLACKLIST.strip("\n").split("\n")}
    surging = {title for _, title, _, _ in SURGES}
    for code in BLACKLISTED_CODES.split():
        chosen = titles(code)[14 : SIZES[code][0] : 5]
        spellings = [spelled(title, turn) for turn, title in enumerate(chosen) if title not in surging]
        lines.update(f"{code} {spelling}" for spelling in spellings)
    return b"".join(line + b"\n" for line in sorted(map(raw, lines)))


def compress(content: bytes) -> bytes:
    """Compress without time or name in the header, so that equal content gives equal bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
        stream.write(content)
    return buffer.getvalue()


def write_hour(source: Path, stamp: datetime) -> None:
    """Write the dump and the projectviews of one hour into the source."""
    folder = source / f"{stamp:%Y}" / f"{stamp:%Y-%m}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = hour_rows(stamp)
    lines = recent_lines(rows, stamp) if stamp >= QUOTED_SINCE else legacy_lines(rows, stamp)
    dump = b"".join(line + b"\n" for line in lines)
    (folder / f"pageviews-{stamp:%Y%m%d-%H}0000.gz").write_bytes(compress(dump))
    (folder / f"projectviews-{stamp:%Y%m%d-%H}0000").write_bytes(projectviews(rows))


def main() -> None:
    """Write the whole sample to the folder in the arguments."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).resolve().parent
    for stamp in STAMPS:
        write_hour(folder / "source", stamp)
    (folder / "blacklist").write_bytes(blacklist())


if __name__ == "__main__":
    main()
