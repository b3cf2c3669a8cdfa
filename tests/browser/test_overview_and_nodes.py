import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import serving
from tests.browser.looking import violations, wider_than_the_window
from tests.dashboard.records import tampered

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("federation")]


def verdict(page: Page):
    return page.locator(".ky-verdict").first


def settled(page: Page) -> Page:
    """Waits until the verifier has spoken."""
    expect(verdict(page)).to_contain_text("记录成立", timeout=30_000)
    return page


def test_the_overview_is_the_page_one_comes_to_and_its_record_holds(visit, federation):
    page = settled(visit())
    expect(page.get_by_role("heading", name="总览", level=1)).to_be_visible()
    expect(page.get_by_text("此处没有明文答案可比")).to_be_visible()
    expect(page.locator(".ky-claim.good").last).to_contain_text("个部门封存")
    expect(page.locator(".ky-claim.bad")).to_contain_text("没有人审批")  # automatic approval is not controllable
    expect(page.locator(".ky-typed")).to_contain_text("audit verify --json")


def test_one_walks_through_all_pages_and_back(visit):
    page = visit()
    for name in ("数据流向", "联合训练", "授权审批", "审计存证", "节点与运维", "总览"):
        page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)  # "page not found"


def test_a_promise_leads_to_what_it_rests_on(visit):
    page = settled(visit())
    page.get_by_role("link", name="看日志与封存的根").click()
    expect(page.get_by_role("heading", name="审计存证", level=1)).to_be_visible()


def test_a_new_job_is_recomputed_and_told(visit, federation):
    page = settled(visit())
    job = federation.ask("SELECT COUNT(*) FROM hukou").job
    expect(page.locator(".ky-timeline")).to_contain_text(job, timeout=10_000)
    settled(page)


def test_every_party_of_a_running_federation_is_ready(visit, federation):
    page = visit("nodes")
    expect(page.locator(".ky-party.good")).to_have_count(7)
    for label in federation.settings.labels("zh").values():
        expect(page.get_by_role("heading", name=label)).to_be_visible()
    expect(page.locator(".ky-checks li")).to_have_count(9)
    expect(page.locator(".ky-checks li.bad")).to_have_count(0)


@pytest.mark.parametrize(
    ("address", "scheme"),
    [("", "light"), ("?lang=en&tour=1", "dark"), ("nodes", "dark"), ("nodes?lang=en", "light")],
)
def test_axe_finds_nothing_and_nothing_has_to_be_scrolled_sideways(visit, address, scheme):
    page = visit(address, color_scheme=scheme)
    expect(page.locator(".ky-timeline, .ky-checks").first).to_be_visible()
    assert violations(page) == []
    assert wider_than_the_window(page) == 0
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert wider_than_the_window(page) == 0


@pytest.mark.parametrize("address", ["", "flow", "nodes"])
def test_on_paper_there_is_no_sidebar_no_darkness_and_nothing_is_cut(visit, address):
    page = visit(address, color_scheme="dark")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 710, "height": 1000})  # A4 between its margins
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator("h1")).to_have_css("color", "rgb(23, 32, 43)")
    notes = page.locator(".ky-notes").bounding_box()
    assert notes["y"] + notes["height"] <= page.evaluate("document.documentElement.scrollHeight") + 1  # whole pixels
    assert wider_than_the_window(page) == 0
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_the_tour_is_opened_and_closed_by_keyboard(visit):
    page = visit()
    summary = page.get_by_text("十分钟导览：看哪里，试什么")
    summary.focus()
    page.locator("summary", has=summary).press("Enter")
    expect(page.locator(".ky-tour")).to_be_visible()


def test_an_altered_byte_in_a_copy_turns_the_verdict_red_and_names_the_place(browser, visit, federation, tmp_path):
    settled(visit())
    with serving(tampered(federation.home.path, tmp_path / "copy")) as url:
        page = visit(base=url)
        expect(page.get_by_role("alert")).to_contain_text("记录不成立：日志第 20 条", timeout=30_000)
        expect(page.get_by_role("alert")).to_contain_text(re.compile("校验器原文：entry 20: it is not signed"))
        expect(page.locator(".ky-claim.bad")).to_have_count(3)
