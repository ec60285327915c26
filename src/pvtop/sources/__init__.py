"""Wikimedia's side: listings, downloads, the cache, dumps, the blacklist and projectviews."""
