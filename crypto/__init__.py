"""Primitives an auditor checks us with: no transport, no files, no policy."""
