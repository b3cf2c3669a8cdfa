"""The dashboard: reads results and the record, holds no key."""
