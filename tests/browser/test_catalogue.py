import re

import pytest
from playwright.sync_api import expect

from dashboard.services.rules import CATALOGUE as FILE
from tests.browser.conftest import serving
from tests.browser.looking import violations, wider_than_the_window
from tests.dashboard.records import RecordedHome
from tests.dashboard.scripted import RULES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("federation")]


@pytest.fixture(scope="module")
def url(browser, tmp_path_factory):
    home = RecordedHome(tmp_path_factory.mktemp("catalogue") / "home")
    home.start()
    (home.path / FILE).write_bytes(RULES.to_bytes())
    with serving(home.path) as address:
        yield address


def test_a_guest_opens_a_dataset_by_keyboard_and_sees_made_up_rows(visit, url):
    page = visit("catalogue", base=url)
    expect(page.get_by_role("heading", name="数据目录", level=1)).to_be_visible()
    chosen = page.get_by_test_id("stMain").get_by_role("combobox")
    chosen.press("ArrowDown")
    page.get_by_role("option", name=re.compile("chengqu.pit")).click()
    expect(page.get_by_role("heading", name="城区 · 个人所得税")).to_be_visible()
    expect(page).to_have_url(re.compile("dataset=chengqu.pit"))
    expect(page.locator(".ky-mock figcaption")).to_contain_text("模拟样例，非真实数据")
    expect(page.locator(".ky-mock td", has_text="MOCK000001")).to_be_visible()


@pytest.mark.parametrize(("language", "scheme"), [("zh", "light"), ("en", "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_on_screen_or_paper(visit, url, language, scheme):
    page = visit(f"catalogue?dataset=chengqu.pit&lang={language}", base=url, color_scheme=scheme)
    expect(page.locator(".ky-mock")).to_be_visible()
    assert violations(page) == []
    assert wider_than_the_window(page) == 0
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert wider_than_the_window(page) == 0
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 710, "height": 1000})
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    assert wider_than_the_window(page) == 0
