"""Filmroom measured beside Debian's nginx, zip, unzip and tar, on this machine and its own disk."""
