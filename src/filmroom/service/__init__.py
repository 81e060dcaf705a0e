"""The use cases: one method, one permission check, one transaction. It knows no HTTP."""
