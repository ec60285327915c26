"""Read and write bytes: files, locks, file systems, HTTP, gzip. Knows no frames and no layout of a source or a lake."""
