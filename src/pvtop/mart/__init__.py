"""The datamart: a star schema of reports and rollups in a database."""
