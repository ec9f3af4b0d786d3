"""The journal on disk: append-only, SQLite by default, PostgreSQL by URL. Import it where it is opened."""
