"""The top pages with pandas: python with_pandas.py DUMP BLACKLIST OUTPUT.

As its guide to large data advises: the C reader with the types given, domains as a category, and the few rows that can
still rank found by their counts before any text is sorted.
"""

import csv
import sys

import pandas as pd
from common import SCHEMA, TOP, decode, listed

COLUMNS = ["domain_code", "page_title", "views", "size"]


def read(path: str, counts: str) -> pd.DataFrame:
    """Read a dump whose counts are of the type that is given; lines with too many fields are skipped."""
    return pd.read_csv(
        path,
        sep=" ",
        names=COLUMNS,
        dtype={"domain_code": "category", "page_title": "str", "views": counts, "size": counts},
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        on_bad_lines="skip",
        encoding_errors="replace",
        engine="c",
    )


def clean(path: str) -> pd.DataFrame:
    """Read the well-formed lines of a dump; counts as text first only where one of them is no number."""
    try:
        return read(path, "int64")
    except ValueError:
        pages = read(path, "str")
    for name in ("views", "size"):
        pages = pages[pages[name].str.fullmatch("[0-9]{1,18}").fillna(value=False)]
    return pages.astype({"views": "int64"})


def main() -> None:
    """Read, decode, leave out, prune, rank, write."""
    dump, blacklist, output = sys.argv[1:]
    pages = clean(dump)
    pages = pages[(pages["page_title"] != "") & (pages["page_title"] != "-")]
    pages["domain_code"] = pages["domain_code"].cat.rename_categories(lambda code: "" if code == '""' else code)
    quoted = pages["page_title"].str.contains('\\"', regex=False)
    pages.loc[quoted, "page_title"] = pages.loc[quoted, "page_title"].map(decode)
    left_out = listed(blacklist)
    suspects = pages[pages["page_title"].isin({title for _, title in left_out})]
    hit = [page in left_out for page in zip(suspects["domain_code"], suspects["page_title"], strict=True)]
    pages = pages.drop(suspects.index[hit])
    rank = pages.groupby("domain_code", observed=True)["views"].rank(method="min", ascending=False)
    pages = pages[rank <= TOP].astype({"domain_code": "str"})
    pages = pages.sort_values(["domain_code", "views", "page_title"], ascending=[True, False, True])
    pages["rank"] = pages.groupby("domain_code").cumcount() + 1
    pages = pages.loc[pages["rank"] <= TOP, SCHEMA.names]
    pages.to_parquet(output, engine="pyarrow", schema=SCHEMA, index=False, compression="zstd")


if __name__ == "__main__":
    main()
