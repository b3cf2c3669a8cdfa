"""Protocols that answer queries: one file each, the whole story in it, a block per role."""
