"""Frames in, frames out: from lines of a dump to a report. No path, no network."""
