"""The defaults of movers and spikes: how many earlier days count, and the floors that keep noise out."""

AGAINST = 7
"""Days that give the earlier level of a page: each day of the week once."""

MAX_AGAINST = 31
"""The most such days. Each day file that is open takes some 10 MB."""

MIN_VIEWS = 500
"""The minimum of views on the day."""

MIN_RATIO = 2.0
"""The minimum ratio of a mover's views to its earlier level."""

MIN_PEAK_SHARE = 0.5
"""The minimum share of a spike's views in one hour."""

TOP = 25
"""Pages in all, or of each wiki."""

MAX_TOP = 1_000_000
"""The most such pages, as in the settings."""
