"""Hypothesis strategies for dumps and blacklists: mostly good lines, and every kind of dirt of real files.

Both draw from the same small pools of codes and titles: blacklist hits, ties and repeated titles are common.
Pools start with their simplest members, which is what failures shrink to.
"""

import gzip
import re
from functools import cache
from itertools import chain, pairwise
from typing import TypeVar
from urllib.parse import quote_from_bytes

from hypothesis import assume
from hypothesis import strategies as st

from support.reference import BOM, MAX_COUNT, reference

T = TypeVar("T")


def pool(*rows: bytes) -> tuple[bytes, ...]:
    """Split rows of members at `|`."""
    return tuple(b"|".join(rows).split(b"|"))


def _spark(title: bytes) -> bytes:
    """Write a title with quotes in it as dumps since 2023 do."""
    return b'"' + title.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _spellings(title: bytes) -> list[bytes]:
    """Write a title as it is and percent-encoded: as usual, more than needed, twice, and in part."""
    quoted = quote_from_bytes(title, safe="").encode()
    return [
        title,
        quoted,
        quote_from_bytes(title, safe="/:,'").encode(),
        quoted.replace(b"_", b"%20"),
        title.replace(b"_", b" "),
        re.sub(rb"[^A-Za-z0-9]", lambda match: b"%%%02x" % match[0][0], title),
        b"".join(b"%%%02X" % byte for byte in title),
        b"".join(b"%%%02X" % byte if place % 2 else b"%c" % byte for place, byte in enumerate(title)),
        quote_from_bytes(quoted).encode(),
    ]


CODES = pool(b'en|en.m||""|commons.m|\xc3\xa9n')
RARE_CODES = pool(b'EN|-|"|\xff|e\xe2\x82|e\tn|\xef\xbb\xbfen|%65n|\xf0\x9d\x84\x9e')
COMMON_TITLES = pool(
    b'a|b|-|a_b|a+b|a_%41|Special:Search|Special%3ASearch|"a"|"\\"a\\""|\xc3\xa9|\xef\xbf\xbd|\xf0\x9d\x84\x9e'
)
TITLES = pool(
    b"a|b|B|Z|_|-|--|a_b|_a|a_|Main_Page|0|1.5|a,b|#a|'a'|a+b",
    b"Special:Search|Special%3ASearch|Special%253ASearch|a%20b|100%|%|%4|%zz",
    b"\xc3\xa9|e\xcc\x81|\xe2\x82\xac|\xf0\x9d\x84\x9e|\xef\xbf\xbd|%C3%A9|%C3|%FF",
    b'a"b|"|""|"a"|\\"a|"a\\"b"|"-"|"gospel_writers"|AC\\DC|a\\|\\\\',
)
# More than letters to str.split(), str.splitlines() or a terminal.
ODD_CHARACTERS = pool(
    b"\t|\r|\0|\x01|\x0b|\x0c|\x1b|\x1c|\x1d|\x1e|\x1f|\x7f|\xc2\x85|\xc2\xa0|\xe1\x9a\x80|\xe2\x80\x83",
    b"\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xae|\xe3\x80\x80|\xef\xbb\xbf|\xef\xbf\xbf",
)
NOT_UTF8 = pool(
    b"\x80|\x80\x80\x80|\xff|\xfe|\xc3|\xc3\xc3\xa9|\xe2\x82|\xe2\xe2\x82\xac|\xf0\x9d\x84",  # lone, cut
    b"\xed\xa0\x80|\xc0\x80|\xe0\x80\xaf|\xf4\x90\x80\x80",  # a surrogate, overlong, beyond U+10FFFF
)
QUOTED = pool(
    rb'"a\"b"|"\""|"\"a\""|"\\\"a"|"a\"b\\"|"-\""|"\\"|"a\\"',
    b'"\xff\\""|"\r\\""|"\xe2\x80\xa8\\""',
)
ALMOST_QUOTED = pool(
    rb'"|""|"""|"a"|"\"|"a\"|\"|a\"b|"a\"b|a\"b"|"a"\""|"\a\""|"\\\"|"a\"b""|""a\"b"|"\\a"',
    rb"""'a\"b'|"a""b"|x"\""|"\""x""",
)
ODD_COUNTS = pool(b"9|10|00|007|4294967296|9223372036854775", b"0" * 30 + b"2")
BAD_COUNTS = pool(
    b'|-|+5|-1|-0|1.5|1.0|1e3|1_0|0x1|1,0|"1"|a|NaN|null|9223372036854775808|18446744073709551617',
    b"9" * 40,
    b"1\t|\t1|1\r1|1\0|\0|\x0b1|1\x0c|\xff|1\x80|\xef\xbb\xbf1",
    "\u0661|1\u0662|\uff11|\xb2|\xa01|1\u2003".encode(),  # digits and white space that are not ASCII
)
BAD_LINES = pool(
    b' |  |   |    |\t|\0|a|1|-|"|en|\r | \r|\xc2\xa0|\xff|\xef\xbb\xbf|# a 1',
    b"en a|a 1 0|en a 1|en 1 0| a 1|1 2 3|en a 1 |en a 1 0 0|en a b 1 0|en a 1 0 a b c",
    b"en  1 0|en  a 1 0|en a  1 0|en a 1  0| en a 1 0|en a 1 0 |  a 1 0",
    b"en\ta\t1\t0|en\ta 1 0|en a\t1 0|en a 1\t0|en a 1 0\t|en\xc2\xa0a 1 0|en a 1 0\0",
    b"en a 1 0\ren b 2 0|en a 1 0\x0ben b 2 0|en a 1 0\xe2\x80\xa8en b 2 0",
    b'"" 1 0|"en a" 1 0|en "a b" 1 0|en "a\\" b" 1 0|"en a 1 0|"en a 1 0"|en "a 1 0',
)
CROWD = (  # titles for runs of lines
    *(b"p%d" % number for number in range(30)),
    *(*TITLES, *QUOTED, *ALMOST_QUOTED, *ODD_CHARACTERS, *NOT_UTF8),
)
BAD_CROWD = (
    *(b"en a %s 0" % count for count in BAD_COUNTS),
    *(b"en a 1 %s" % count for count in BAD_COUNTS),
    *BAD_LINES,
)
CROWD_COUNTS = (0, 0, 0, 8, 2**32 - 2, 2**53)  # from one digit to two, from 32 bits to 33, beyond a float
ALL_CODES = CODES[:1] * 18 + CODES * 6 + RARE_CODES
WRITTEN = (  # titles as a dump writes them
    *(*COMMON_TITLES * 4, *TITLES, *QUOTED, *ALMOST_QUOTED),
    *(_spark(title) for title in TITLES if b'"' in title),
)
SPELLED = tuple(chain.from_iterable(map(_spellings, COMMON_TITLES * 4 + TITLES)))  # as a blacklist writes them
SEPARATORS = pool(b"\t|  |\xc2\xa0|\xe3\x80\x80|\0|,|\r|")
LINE_ENDS = (b"\n",) * 12 + pool(b"\r\n|\r\n|\r\r\n|\n\n|\n\r\n\n|\r")
TAILS = (  # count, size and line end as one member: lines of few draws shrink better
    *(b"%d 0%s" % (count, end) for end in LINE_ENDS for count in range(6)),
    *(b"%s 0\n" % count for count in ODD_COUNTS),
    *(b"1 %s\n" % size for size in (b"1", b"007", b"%d" % MAX_COUNT)),
)

ODD_ENTRY_TITLES = pool(
    b'| |  a| a|a |a b|a 1 0|"a b"|\ta|a\rb|+|%00|%0A|%20|%2D|%22%22|%%41|%4%31|%u0041',
    b"%ff|%C3%28|%E2%82|%ED%A0%80|%c0%80|\xff|\xff%41|\xff%C3%A9|%FF%C3%A9",
    b"\xc3%A9|%C3\xa9|%C3%A9 |\xc3\xa9\t|a_b\x0b\x0c |a%20|a%20 |%C3%A9%0D|\xf0%9D\x84%9E|%F0\x9d%84\x9e",
)
NO_ENTRIES = pool(b'| |  |\r|en|en |""|"en a"|en\ta|a|\xff|\xef\xbb\xbf')

# For raw dumps: single bytes, and the pieces that make well-formed lines likely.
ALPHABET = tuple(bytes([byte]) for byte in b'a \n01-+."\\\r\t\0b9\x80\xc3\xa9\xe2\xff')
PIECES = pool(b'a b 1 0\n| 1 0\n|a b|\na | "|\\"|" 0 1')
BENDS = (*PIECES, *ODD_COUNTS, *BAD_COUNTS, *ODD_CHARACTERS, *NOT_UTF8, b"\n\n", b"\r\n", b"\0end - 0 0\n")
CHUNK = 1 << 15  # bytes that Polars cuts a file at first


def dumps() -> st.SearchStrategy[bytes]:
    """Make dumps of none to some hundreds of lines, whose views add up to 2**63 - 1 at most."""
    return _dumps().filter(_adds_up)


def raw_dumps() -> st.SearchStrategy[bytes]:
    """Make short dumps of interesting bytes in any order, easy to read when a failure has shrunk."""
    parts = st.sampled_from(ALPHABET) | st.sampled_from(PIECES)
    return _chains(parts).map(b"".join).filter(_adds_up)


@st.composite
def near_clean_dumps(draw: st.DrawFn) -> bytes:
    """Make dumps as today's writer does, but for a bent place or two: in a field, in a line, anywhere; or for none."""
    lines = draw(_chains(_clean_lines()))
    dump = draw(_padding()) + b"".join(lines)
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2)))):
        bend = draw(st.sampled_from((b"", *ALPHABET, *BENDS)))
        place = draw(st.integers(0, len(b"".join(lines))))  # from the end: never far off in the padding
        cut = draw(st.integers(0, 2))
        dump = dump[: len(dump) - place] + bend + dump[len(dump) - place + cut :]
    assume(_adds_up(dump))
    return dump


@st.composite
def gzips(draw: st.DrawFn, dumps: st.SearchStrategy[bytes]) -> bytes:
    """Pack a dump, in any number of members; and then, perhaps, cut, flip, lengthen or exchange a part of it."""
    dump = draw(dumps)
    cuts = sorted(draw(st.lists(st.integers(0, len(dump)), max_size=2)))
    parts = [dump[start:end] for start, end in pairwise([0, *cuts, len(dump)])]
    packed = b"".join(gzip.compress(part, draw(st.sampled_from((1, 0, 9))), mtime=0) for part in parts)
    place = draw(st.integers(0, len(packed)))
    return draw(
        st.sampled_from(
            (
                packed,
                packed[:place],
                packed[:place] + packed[place + 1 :],
                packed[:place] + b"\x00" + packed[place + 1 :],
                packed[:place] + b"\xff" + packed[place:],
                packed + bytes(place % 9),
                packed + packed[:place],
            )
        )
    )


def blacklists() -> st.SearchStrategy[bytes]:
    """Make blacklists with every spelling of the titles in dumps(), and lines that are no entry at all."""
    new = _titles().flatmap(lambda title: st.sampled_from(_spellings(title)))
    runs = _weighted(
        (_entries(st.sampled_from(SPELLED)), 16), (_entries(new), 2), (_odd_entries(), 2), (_entry_crowds(), 2)
    )
    return _chains(runs).flatmap(_files)


def _clean_lines() -> st.SearchStrategy[bytes]:
    """One line as the writer writes it: UTF-8, a title, digits without zeros before them."""
    codes = st.sampled_from((b"en",) * 6 + CODES)
    titles = st.sampled_from([title for title in WRITTEN if title.decode(errors="replace").encode() == title])
    counts = st.sampled_from((0, 1, 2, 9, 10, 99, 2**32, 10**15)) | st.integers(0, 200)
    return st.tuples(codes, titles, counts).map(lambda fields: b"%s %s %d 0\n" % fields)


def _padding() -> st.SearchStrategy[bytes]:
    """Nothing, or one long line after which the end of a reader's first chunks falls into the lines that follow."""
    ends = st.tuples(st.sampled_from((1, 2, 3)), st.integers(0, 120))
    padded = ends.map(lambda end: b"zz %s 1 0\n" % (b"x" * (end[0] * CHUNK - end[1] - 8)))
    return _weighted((st.just(b""), 2), (padded, 1))


@st.composite
def _dumps(draw: st.DrawFn) -> bytes:
    pages, new_pages = _pages(st.sampled_from(WRITTEN)), _pages(_new_titles())
    runs = draw(_chains(_weighted((pages, 20), (new_pages, 3), (_dirt(), 2), (_crowds(), 2))))
    if draw(_one_in(8)):
        runs.insert(0, draw(_dirt()))
    if draw(_one_in(8)):
        runs.append(draw(_dirt()))
    if draw(_one_in(8)):
        huge = MAX_COUNT - reference(_joined(runs)).views - draw(st.integers(0, 2))
        line = b"%s %s %d 0\n" % (draw(_codes()), draw(_titles()), huge)
        runs.insert(draw(st.integers(0, len(runs))), [line])
    return draw(_files(runs))


@st.composite
def _files(draw: st.DrawFn, runs: list[list[bytes]]) -> bytes:
    """Join lines; the last one keeps its end or not, and a byte-order mark may open the file."""
    mark: bytes = draw(st.sampled_from((b"",) * 14 + (BOM,) * 3 + (BOM + BOM,)))
    data = mark + _joined(runs)
    return data.removesuffix(b"\n") if draw(_one_in(3)) else data


def _joined(runs: list[list[bytes]]) -> bytes:
    return b"".join(chain.from_iterable(runs))


def _pages(titles: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    """One well-formed line."""
    return st.tuples(_codes(), titles, st.sampled_from(TAILS)).map(lambda fields: [b" ".join(fields)])


@st.composite
def _crowds(draw: st.DrawFn) -> list[bytes]:
    """Lines of one domain, often more than it has ranks, with few different counts: ties at the last rank."""
    code, titles = draw(_codes()), draw(_slices(CROWD, 60))
    fewest, different = draw(st.sampled_from(CROWD_COUNTS)), draw(st.integers(1, 6))
    counts = [fewest + place // 3 % different for place in range(len(titles))]
    end = draw(st.sampled_from(LINE_ENDS))
    return [b"%s %s %d 0%s" % (code, title, count, end) for title, count in zip(titles, counts, strict=True)]


@st.composite
def _dirt(draw: st.DrawFn) -> list[bytes]:
    """One line or some that are malformed, nearly always."""
    if draw(st.booleans()):
        return [line + b"\n" for line in draw(_slices(BAD_CROWD, 10))]
    fields = [draw(_codes()), draw(_titles()), b"1", b"0"]
    match draw(st.sampled_from(("count", "size", "short", "long", "empty", "separator", "broken"))):
        case "count":
            fields[2] = draw(st.sampled_from(BAD_COUNTS))
        case "size":
            fields[3] = draw(st.sampled_from(BAD_COUNTS))
        case "short":
            del fields[draw(st.integers(0, 3))]
        case "long":
            fields.insert(draw(st.integers(0, 4)), draw(st.sampled_from((b"0", b"", b"a", b'"'))))
        case "empty":
            fields[draw(st.integers(1, 3))] = b""
        case "separator":
            place = draw(st.integers(0, 2))
            fields[place : place + 2] = [draw(st.sampled_from(SEPARATORS)).join(fields[place : place + 2])]
        case "broken":
            fields[1] += b"\n"
    return [b" ".join(fields) + draw(st.sampled_from(LINE_ENDS))]


@cache
def _codes() -> st.SearchStrategy[bytes]:
    return st.sampled_from(ALL_CODES)


@cache
def _titles() -> st.SearchStrategy[bytes]:
    return _weighted((st.sampled_from(WRITTEN), 2), (_new_titles(), 1))


@cache
def _new_titles() -> st.SearchStrategy[bytes]:
    """Titles that are in no pool: any text, odd characters, bytes that are not UTF-8."""
    letters = (st.integers(0x21, 0xD7FF) | st.integers(0xE000, 0x10FFFF)).map(chr).map(str.encode)
    parts = st.sampled_from((b"a", b'"', b"\\", *ODD_CHARACTERS, *NOT_UTF8)) | letters
    quotes = st.sampled_from((b"a", b'"', b"\\"))
    lists = st.lists(parts, min_size=1, max_size=5) | st.lists(quotes, min_size=1, max_size=6)
    return lists.map(b"".join)


def _entries(spelled: st.SearchStrategy[bytes]) -> st.SearchStrategy[list[bytes]]:
    """One page of a blacklist, in one domain or in all the common ones."""
    codes = st.sampled_from(tuple((code,) for code in ALL_CODES) + (CODES,) * 20)
    parts = st.tuples(codes, spelled, st.sampled_from(LINE_ENDS))
    return parts.map(lambda part: [code + b" " + part[1] + part[2] for code in part[0]])


@st.composite
def _entry_crowds(draw: st.DrawFn) -> list[bytes]:
    """Many pages of one domain, spelled the same way."""
    code, titles, spelling = draw(_codes()), draw(_slices(CROWD, 60)), draw(st.integers(0, 8))
    return [code + b" " + _spellings(title)[spelling] + b"\n" for title in titles]


@cache
def _odd_entries() -> st.SearchStrategy[list[bytes]]:
    """One line of a blacklist that is not an entry, or an odd one."""
    odd = st.tuples(_codes(), st.sampled_from(ODD_ENTRY_TITLES)).map(b" ".join)
    return (st.sampled_from(NO_ENTRIES) | odd).map(lambda line: [line + b"\n"])


def _adds_up(dump: bytes) -> bool:
    """Sums beyond 64 bits are another matter; two lines with huge counts are all but never drawn."""
    return reference(dump).views <= MAX_COUNT


def _chains(members: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    """Make lists; one list alone would hold five members on average, and a minimum would not shrink."""
    lists = st.lists(st.lists(members, max_size=12), min_size=1, max_size=6)
    return lists.map(lambda lists: list(chain.from_iterable(lists)))


def _slices(members: tuple[bytes, ...], most: int) -> st.SearchStrategy[list[bytes]]:
    """Take neighbours: many members for two draws, each of which shrinks by itself."""
    ends = st.tuples(st.integers(0, len(members)), st.integers(0, most))
    return ends.map(lambda drawn: list(members[max(0, drawn[0] - drawn[1]) : drawn[0]]))


@cache
def _one_in(times: int) -> st.SearchStrategy[bool]:
    return st.sampled_from((False,) * (times - 1) + (True,))


def _weighted(*choices: tuple[st.SearchStrategy[T], int]) -> st.SearchStrategy[T]:
    """Draw from each strategy about as often as its weight says; the first is the simplest."""
    picks = [strategy for strategy, weight in choices for _ in range(weight)]
    return st.sampled_from(picks).flatmap(lambda strategy: strategy)
