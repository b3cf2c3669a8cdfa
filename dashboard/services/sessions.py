"""Who has signed in at this visit: kept in this process's memory alone, with the visit, and never for long.

A visit is one open page: its state lives on the server and is reached by its own connection only, so there is no cookie
that somebody could steal or that another site could make a browser send. A session is no key: an officer's word takes
the passphrase each time. It ends when nothing was done for a while, after a day's work at the latest, when the roster
changes, on signing out, and with the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dashboard import sources
from dashboard.served import served
from dashboard.services.entrance import Session
from dashboard.services.rights import GUEST, Visitor

KEY = "session"  # in the visit's state
ENDED = "session ended"


def visitor() -> Visitor:
    """Who looks at the page that is being made: whoever signed in at this visit, else a guest."""
    session = current()
    return session.visitor if session else GUEST


def acting() -> Visitor:
    """Who does something at this moment, in answer to a press of a button: as `visitor`, and idle no longer."""
    touch()
    return visitor()


def current(clock: Callable[[], float] = time.monotonic) -> Session | None:
    """The visit's session; None if nobody has signed in, or what was is over."""
    session = st.session_state.get(KEY)
    if not isinstance(session, Session):
        return None
    if session.holds(clock(), sources.entrance(served().home).roster_hash()):
        return session
    end()
    st.session_state[ENDED] = True
    return None


def touch(clock: Callable[[], float] = time.monotonic) -> None:
    """Somebody did something: a session that still counts is idle no longer. Pages that renew themselves are nobody."""
    session = current(clock)
    if session is not None:
        st.session_state[KEY] = replace(session, seen=clock())


def begin(session: Session) -> None:
    """Somebody has signed in at this visit."""
    st.session_state[KEY] = session
    st.session_state.pop(ENDED, None)


def end() -> None:
    """Sign out."""
    st.session_state.pop(KEY, None)
