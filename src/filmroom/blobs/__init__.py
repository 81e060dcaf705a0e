"""Bytes under keys. It knows nothing of files, people or projects."""
