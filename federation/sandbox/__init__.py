"""A room for somebody else's code: no network, no other file, no other process, and not much of anything."""
