"""What a requester wrote is shown whole: nothing in it moves the reader's terminal, or hides."""

from __future__ import annotations

import pytest

from federation.commands.frame import visible


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        pytest.param("x = 1\x1b[8m; steal()\x1b[0m", "x = 1\\x1b[8m; steal()\\x1b[0m", id="escape sequence"),
        pytest.param("steal()\rprint(1)", "steal()\\rprint(1)", id="line overwritten"),
        pytest.param("if a: \u202e# no\u2066", "if a: \\u202e# no\\u2066", id="right to left"),
        pytest.param("ro\u200bws", "ro\\u200bws", id="no width"),
        pytest.param("a\x00b\x07", "a\\x00b\\x07", id="control characters"),
        pytest.param("\ud800", "\\ud800", id="half a character"),
        pytest.param("\U000e0041", "\\U000e0041", id="tag"),
    ],
)
def test_what_a_terminal_would_act_on_or_hide_is_written_out(hidden, shown):
    assert visible(hidden) == shown
    assert visible(hidden).isprintable()


def test_text_in_any_language_stays_as_it_is():
    text = "import pandas as pd\n\tx = '泽州：一般公共预算，é ß ж'  # 3\n"
    assert visible(text) == text
