"""The readers that all pages and all visits share, so that no log is parsed twice and no record recomputed twice."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.services.log import LogReader
from dashboard.services.verifier import Verifier
from federation.audit.record import RecordReader


@st.cache_resource(show_spinner=False)
def log(home: Path) -> LogReader:
    """The one reader of a home's log.

    Raises:
        RecordError: there is no record yet; nothing is kept then.
    """
    return LogReader(RecordReader(home))


@st.cache_resource(show_spinner=False)
def verifier(home: Path) -> Verifier:
    """The one that recomputes a home's record."""
    return Verifier(home)
