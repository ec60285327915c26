"""Read and write bytes: files, locks, file systems, HTTP, gzip. Knows neither Wikimedia nor frames."""
