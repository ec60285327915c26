"""Wikimedia's side: listings, downloads, the cache, and the files of an hour."""
