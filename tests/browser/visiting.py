"""Signing in at a page in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

PATIENCE_MS = 30_000


def sign_in(page: Page, account: str, passphrase: str) -> None:
    """Sign in by the box in the sidebar, and wait until it says so."""
    side, box = page.get_by_test_id("stSidebar"), page.get_by_test_id("stPopoverBody")
    side.get_by_role("button", name=re.compile("登录|Sign in")).press("Enter")
    box.get_by_role("combobox").press("ArrowDown")
    page.get_by_role("option", name=re.compile(account)).click()
    expect(box.get_by_label(re.compile(account))).to_be_visible()  # the form is this account's
    field = box.locator("input[type=password]")
    field.fill(passphrase)
    field.press("Enter")
    expect(side.locator("div.ky-visitor")).to_contain_text(account, timeout=PATIENCE_MS)
