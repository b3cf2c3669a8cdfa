import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import violations, wider_than_the_window

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("federation")]


def the_map(page: Page):
    return page.get_by_role("img", name=re.compile("^(流向图|Map of bytes)"))


def chosen_job(page: Page):
    return page.get_by_role("combobox", name="作业")


def test_the_map_shows_every_department_and_the_account_adds_up(visit, federation):
    page = visit("flow")
    expect(page.get_by_role("heading", name="数据流向")).to_be_visible()
    for label in federation.settings.labels("zh").values():
        expect(the_map(page)).to_contain_text(label)
    expect(the_map(page)).to_contain_text("只见密文，无密钥")
    expect(page.locator(".ky-verdict.good")).to_contain_text("账目与计数相符")


def test_a_job_appears_and_finishes_while_the_page_is_open(visit, federation):
    page = visit("flow")
    expect(the_map(page)).to_be_visible()
    asked = federation.ask("SELECT sex, COUNT(*) FROM hukou GROUP BY sex")
    expect(chosen_job(page)).to_have_value(re.compile(f"{asked.job}.*已放行"), timeout=10_000)
    expect(the_map(page)).to_contain_text("已读取结果 2 行")


def test_an_older_job_is_chosen_by_its_address_and_stays(visit, federation):
    older = federation.ask("SELECT COUNT(*) FROM hukou").job
    page = visit(f"flow?job={older}")
    expect(chosen_job(page)).to_have_value(re.compile(older))
    newer = federation.ask("SELECT COUNT(*) FROM hukou").job
    page.wait_for_timeout(2_000)  # two refreshes, if it were following
    expect(chosen_job(page)).to_have_value(re.compile(older))
    assert newer not in page.content()


def test_the_language_is_switched_in_the_page_the_address_and_the_document(visit):
    page = visit("flow")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_role("heading", name="Data flows")).to_be_visible()
    expect(page).to_have_url(re.compile("/flow[?]lang=en$"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(the_map(page)).to_contain_text("ciphertext only, no key")


def test_a_chosen_job_stays_chosen_in_another_language(visit, federation):
    job = federation.ask("SELECT COUNT(*) FROM hukou").job
    page = visit(f"flow?job={job}")
    page.get_by_role("radio", name="English").click()
    expect(page.get_by_role("combobox", name="Job")).to_have_value(re.compile(f"^{job}.*released"))
    expect(page).to_have_url(re.compile(f"job={job}"))


def test_the_table_is_reached_and_read_by_keyboard(visit):
    page = visit("flow")
    page.get_by_role("radio", name="流向图").focus()
    page.keyboard.press("Tab")
    page.get_by_role("radio", name="明细表").press("Enter")
    expect(page.get_by_role("columnheader", name="承诺值")).to_be_visible()
    expect(page).to_have_url(re.compile("view=table"))


@pytest.mark.parametrize(
    ("address", "scheme"),
    [("flow", "light"), ("flow", "dark"), ("flow?view=table&lang=en", "dark"), ("flow?job=*", "light")],
)
def test_axe_finds_nothing_and_nothing_has_to_be_scrolled_sideways(visit, address, scheme):
    page = visit(address, color_scheme=scheme)
    expect(page.locator("svg[role=img], .ky-table").first).to_be_visible()
    assert violations(page) == []
    assert wider_than_the_window(page) == 0
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert wider_than_the_window(page) == 0


@pytest.mark.parametrize(("wish", "movement"), [("reduce", "none"), ("no-preference", "run")])
def test_nothing_moves_for_those_who_asked_for_stillness(visit, wish, movement):
    page = visit("flow", reduced_motion=wish)
    moves = """svg => {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("class", "pulse");
      svg.append(path);
      return getComputedStyle(path).animationName;
    }"""
    assert the_map(page).evaluate(moves) == movement
