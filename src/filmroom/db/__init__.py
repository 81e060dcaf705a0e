"""Metadata: what the archive knows of its bytes and its people, in SQLite or PostgreSQL, in one schema for both."""
