"""The record: signed events, every party's journal, the coordinator's log, and the check of it all."""
