"""Filmroom measured beside Debian's nginx, on this machine and its own disk."""
