"""Drills: attacks on a small federation of its own, to see that each is caught, and by what."""
