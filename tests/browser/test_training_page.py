import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.looking import violations, wider_than_the_window
from tests.dashboard.records import RecordedHome
from tests.dashboard.trained import leave_model, leave_request, train_plan

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("federation")]


def test_a_training_is_read_in_both_languages_by_keyboard_and_on_paper(visit, tmp_path):
    home = RecordedHome(tmp_path / "home", approvals="officers")
    home.start()
    leave_model(home.path, train_plan(), compared=True)
    leave_request(home.path, train_plan(nonce="d" * 32, title="等待中的"))
    with serving(home.path) as url:
        page = visit("training?training=t-0123456789ab", base=url)
        curve = page.get_by_role("img", name=re.compile("^(训练曲线|Training curve)"))
        expect(curve).to_have_attribute("aria-label", re.compile("12 / 12 轮；3 轮有部门缺席。最后一轮损失 0[.]"))
        expect(curve.locator(".absent")).to_have_count(3)
        expect(page.locator(".ky-estimates")).to_contain_text("明文汇总")
        assert violations(page) == []
        assert wider_than_the_window(page) == 0

        page.get_by_role("radio", name="过程").focus()
        page.keyboard.press("Tab")
        page.get_by_role("radio", name="模型卡").press("Enter")
        expect(page.get_by_role("heading", name="模型卡：再入院")).to_be_visible()
        expect(page).to_have_url(re.compile("view=card"))
        page.emulate_media(media="print", color_scheme="dark")
        page.set_viewport_size({"width": 710, "height": 1000})  # A4 between its margins
        assert wider_than_the_window(page) == 0
        expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")

        page = visit("training?training=t-0123456789ab&lang=en", base=url, color_scheme="dark")
        expect(curve_of(page)).to_have_attribute("aria-label", re.compile("^Training curve: 12 of 12 rounds"))
        assert violations(page) == []


def curve_of(page):
    return page.get_by_role("img", name=re.compile("^Training curve"))
