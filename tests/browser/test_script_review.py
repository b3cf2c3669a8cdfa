import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import needed, serving
from tests.browser.looking import violations, wider_than_the_window
from tests.browser.manned import PASSPHRASE, manned
from tests.browser.visiting import sign_in
from tests.dashboard.records import RecordedHome
from tests.dashboard.scripted import CODE, JOB, OWNER, RULES, script_plan

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("federation")]

OFFICER = f"officer@{OWNER}"
PATIENCE_MS = 60_000  # pandas is loaded in the sandbox


@pytest.fixture(scope="module")
def url(browser, tmp_path_factory):
    """One department's true desk, on which a script lies; it lies in its PySyft folder, too."""
    needed("bwrap")
    home = RecordedHome(tmp_path_factory.mktemp("script") / "home", approvals="officers", analyst="analyst@city")
    home.start()
    with manned(home, OWNER, RULES) as desk:
        desk.lay(JOB, script_plan(home))
        with serving(home.path) as address:
            yield address


def test_an_officer_reads_all_code_tries_it_and_approves_with_a_condition(visit, url):
    page = visit("approvals", base=url)
    expect(page.get_by_text("analyst@city 提出一个脚本请求：1 个部门，2 列")).to_be_visible()
    assert CODE.splitlines()[0] not in page.content()
    sign_in(page, OFFICER, PASSPHRASE)
    expect(page.locator(".ky-verdict strong", has_text="读 2 列的全部行，交出至多 2 行 × 2 个数")).to_be_visible()
    for name in ("medians.py", "helpers.py", "run.sh"):  # the last one is PySyft's, read from its folder
        expect(page.locator(".ky-file h3", has_text=name)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("计划与全部代码逐字节相同")).to_be_visible()
    assert wider_than_the_window(page) == 0
    assert violations(page) == []

    page.get_by_role("button", name="在模拟样例上试运行").press("Enter")
    expect(page.locator(".ky-verdict", has_text="试运行正常结束")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".ky-mock")).to_contain_text("非真实数据")
    expect(page.get_by_role("region", name="脚本打印的内容")).to_have_text("rows 200")

    main = page.get_by_test_id("stMain")
    main.get_by_label("附加条件").fill("只用于统计公报")
    main.get_by_label("最小分组").fill("25")
    main.get_by_label(f"{OFFICER} 的口令").fill(PASSPHRASE)
    page.get_by_role("button", name="批准", exact=True).click()
    expect(page.locator(".ky-timeline li", has_text="城区批准")).to_contain_text("只用于统计公报", timeout=PATIENCE_MS)
    expect(page.locator(".ky-timeline li", has_text="城区的 PySyft 文件夹：已批准")).to_be_visible()
    expect(page.locator("td.state.good", has_text="已批准 · 一致")).to_be_visible()
    expect(page.get_by_role("button", name="撤回")).to_be_visible()  # and can be taken back

    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 710, "height": 1000})  # A4 between its margins
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.get_by_role("button", name="撤回")).to_be_hidden()
    assert wider_than_the_window(page) == 0


def test_it_is_read_in_english_and_in_the_dark(visit, url):
    page = visit("approvals?lang=en", base=url, color_scheme="dark")
    sign_in(page, OFFICER, PASSPHRASE)
    page.get_by_role("radio", name="All requests").press("Enter")
    expect(page.locator(".ky-verdict strong", has_text=re.compile("wants to run a script on"))).to_be_visible()
    expect(page.locator(".ky-file h3", has_text="run.sh")).to_be_visible(timeout=PATIENCE_MS)
    assert violations(page) == []
    assert wider_than_the_window(page) == 0
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert wider_than_the_window(page) == 0
