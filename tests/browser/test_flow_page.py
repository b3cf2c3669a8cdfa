import re
import threading
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("federation")]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def the_map(page: Page):
    return page.get_by_role("img", name=re.compile("^(流向图|Map of bytes)"))


def test_the_map_shows_every_department_and_the_account_adds_up(visit, federation):
    page = visit()
    expect(page.get_by_role("heading", name="数据流向")).to_be_visible()
    for label in federation.settings.labels("zh").values():
        expect(the_map(page)).to_contain_text(label)
    expect(the_map(page)).to_contain_text("只见密文，无密钥")
    expect(page.locator(".ky-verdict.good")).to_contain_text("账目与计数相符")


def test_a_job_appears_and_finishes_while_the_page_is_open(visit, federation):
    page = visit()
    before = page.locator(".ky-steps .done").count()
    assert before == 10
    results = []
    asking = threading.Thread(
        target=lambda: results.append(federation.ask("SELECT sex, COUNT(*) FROM hukou GROUP BY sex"))
    )
    asking.start()
    asking.join(timeout=30)
    expect(page.get_by_test_id("stSelectbox")).to_contain_text(results[0].job, timeout=10_000)
    expect(page.get_by_test_id("stSelectbox")).to_contain_text("已放行")
    expect(the_map(page)).to_contain_text("已读取结果 2 行")


def test_an_older_job_is_chosen_by_its_address_and_stays(visit, federation):
    older = federation.ask("SELECT COUNT(*) FROM hukou").job
    newer = federation.ask("SELECT COUNT(*) FROM hukou").job
    page = visit(f"?job={older}")
    expect(page.get_by_test_id("stSelectbox")).to_contain_text(older)
    expect(page.get_by_test_id("stSelectbox")).not_to_contain_text(newer)


def test_the_language_is_switched_in_the_page_the_address_and_the_document(visit):
    page = visit()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_role("heading", name="Data flows")).to_be_visible()
    expect(page).to_have_url(re.compile("lang=en"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(the_map(page)).to_contain_text("ciphertext only, no key")


def test_the_table_is_reached_and_read_by_keyboard(visit):
    page = visit()
    page.get_by_role("radio", name="流向图").focus()
    page.keyboard.press("Tab")
    page.get_by_role("radio", name="明细表").press("Enter")
    expect(page.get_by_role("columnheader", name="承诺值")).to_be_visible()
    expect(page).to_have_url(re.compile("view=table"))


@pytest.mark.parametrize("address", ["", "?view=table&lang=en", "?job=*"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, address, scheme):
    page = visit(address, color_scheme=scheme)
    expect(page.locator("svg[role=img], .ky-table").first).to_be_visible()
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run(document)).violations")
    assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found] == []


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
@pytest.mark.parametrize("address", ["", "?view=table&lang=en", "?job=*&lang=en"])
def test_nothing_has_to_be_scrolled_sideways(visit, size, address):
    page = visit(address, viewport={"width": size[0], "height": size[1]})
    expect(page.locator("svg[role=img], .ky-table").first).to_be_visible()
    wider = page.evaluate("[...document.querySelectorAll('*')].filter(e => e.scrollWidth > innerWidth).length")
    assert wider == 0


def test_nothing_moves_for_those_who_asked_for_stillness(visit):
    page = visit(reduced_motion="reduce")
    expect(the_map(page)).to_be_visible()
    moving = page.evaluate("document.getAnimations().filter(a => a.effect.target?.closest?.('svg')).length")
    assert moving == 0
