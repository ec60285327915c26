"""From the lines of a dump to a report: frames in, frames out. No path, no network."""
