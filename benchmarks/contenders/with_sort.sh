#!/bin/sh
# The top pages with zcat, awk and sort: sh with_sort.sh DUMP BLACKLIST OUTPUT PYTHON.
# Follows the manual of GNU sort: compares bytes in the C locale, with enough memory to sort without the disk.
# awk excludes pages before sort sorts. PYTHON decodes the blacklist and writes the Parquet file, which awk cannot do.
set -eu
dump=$1 blacklist=$2 output=$3 python=$4
common=$(dirname "$0")/common.py
export LC_ALL=C

"$python" "$common" spell "$blacklist" > "$output.listed"
zcat "$dump" |
    awk -F '[ ]' -v listed="$output.listed" '
        BEGIN { while ((getline page < listed) > 0) left_out[page] }
        { sub(/\r+$/, "") }
        NF != 4 || $2 == "" || $2 == "-" || $3 !~ /^[0-9]+$/ || $4 !~ /^[0-9]+$/ || length($3) > 18 { next }
        {
            code = $1 == "\"\"" ? "" : $1
            title = $2
            if (index(title, "\\\"") && title ~ /^"([^"\\]|\\["\\])*"$/) {
                title = substr(title, 2, length(title) - 2)
                gsub(/\\"/, "\"", title)
                gsub(/\\\\/, "\\", title)
            }
            page = code " " title
            if (!(page in left_out)) print page, $3
        }' |
    sort -t ' ' -k 1,1 -k 3,3nr -k 2,2 -S 1G --parallel=2 |
    awk -F '[ ]' 'NR == 1 || $1 != code { code = $1; rank = 0 } ++rank <= 25' |
    "$python" "$common" pack "$output"
rm "$output.listed"
