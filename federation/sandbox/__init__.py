"""A room for somebody else's code: no network, no other file, no other process, and not much of anything."""

from federation.sandbox.room import run_script, why_not

__all__ = ["run_script", "why_not"]
