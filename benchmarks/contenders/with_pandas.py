"""The top pages with pandas: python with_pandas.py DUMP BLACKLIST OUTPUT.

Follows its guide to large data: the C reader with declared types, and domains as a category. Finds the few rows that
can still rank by their counts, before it sorts any text.
"""

import csv
import sys

import pandas as pd
from common import SCHEMA, TOP, decode, listed

COLUMNS = ["domain_code", "page_title", "views", "size"]


def read(path: str, counts: str) -> pd.DataFrame:
    """Read a dump with counts of the given type. Skips lines with too many fields."""
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
    """Return the well-formed lines of a dump. Reads counts as text only if one of them is not a number."""
    try:
        return read(path, "int64")
    except ValueError:
        pages = read(path, "str")
    for name in ("views", "size"):
        pages = pages[pages[name].str.fullmatch("[0-9]{1,18}").fillna(value=False)]
    return pages.astype({"views": "int64"})


def main() -> None:
    """Read, decode, exclude, prune, rank, write."""
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
