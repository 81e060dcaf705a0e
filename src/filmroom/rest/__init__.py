"""XNAT's REST API. It translates between HTTP and the archive's use cases; it never decides."""
