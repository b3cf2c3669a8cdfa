import re

import msgspec
import pytest
from playwright.sync_api import Page, expect

from crypto.keyfile import MIN_COST, seal_secret
from dashboard.services.attempts import FREE
from tests.browser.conftest import serving
from tests.browser.looking import violations, wider_than_the_window
from tests.dashboard.records import OFFICER_KEYS, RecordedHome

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("federation")]

PASSPHRASE = "open sesame, please"
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home in which everybody of the roster has a key file and nothing runs."""
    made = RecordedHome(tmp_path_factory.mktemp("sign-in") / "home", approvals="officers")
    made.start()
    made.run()
    made.seal()
    for name, key in OFFICER_KEYS.items():
        folder = made.path / "officers" / name
        folder.mkdir(parents=True)
        (folder / "key").write_bytes(seal_secret(key.to_bytes(), PASSPHRASE, owner=name, cost=MIN_COST))
    (made.path / "launcher" / "roster.json").write_bytes(made.roster.to_bytes())
    (made.path / "federation.toml").write_text("")
    (made.path / "analysts" / "analyst").mkdir(parents=True)
    return made


@pytest.fixture(scope="module")
def url(browser, home):
    with serving(home.path) as address:
        yield address


def side(page: Page):
    return page.get_by_test_id("stSidebar")


def who(page: Page):
    return side(page).locator("div.ky-visitor")


def box(page: Page):
    return page.get_by_test_id("stPopoverBody")


def open_box(page: Page) -> None:
    side(page).get_by_role("button", name=re.compile("登录|Sign in")).press("Enter")
    expect(box(page).get_by_role("combobox")).to_be_visible()


def choose(page: Page, account: str) -> None:
    box(page).get_by_role("combobox").press("ArrowDown")
    page.get_by_role("option", name=re.compile(account)).click()
    expect(box(page).get_by_label(re.compile(f"{account}|登录码|code"))).to_be_visible()  # the form is this account's


def enter(page: Page, secret: str) -> None:
    """By keyboard alone: type, and press Enter."""
    field = box(page).locator("input[type=password]")
    field.fill(secret)
    field.press("Enter")


def test_an_officer_signs_in_sees_who_they_are_and_signs_out_by_keyboard(visit, url):
    page = visit("nodes", base=url)
    expect(who(page)).to_contain_text("未登录")
    open_box(page)
    choose(page, "officer@gaoping")
    enter(page, PASSPHRASE)
    expect(who(page)).to_contain_text("安全管理员", timeout=PATIENCE_MS)
    expect(who(page)).to_contain_text("officer@gaoping")
    side(page).get_by_role("link", name="审计存证").click()  # it goes along from page to page
    expect(page.get_by_role("heading", name="审计存证", level=1)).to_be_visible()
    expect(who(page)).to_contain_text("officer@gaoping")
    side(page).get_by_role("button", name="退出").press("Enter")
    expect(who(page)).to_contain_text("未登录")


def test_another_visit_is_another_visitors(visit, url):
    page = visit("nodes", base=url)
    open_box(page)
    choose(page, "operator@city")
    enter(page, PASSPHRASE)
    expect(page.get_by_role("button", name="启动联邦")).to_be_visible(timeout=PATIENCE_MS)
    stranger = visit("nodes", base=url)
    expect(who(stranger)).to_contain_text("未登录")
    expect(stranger.get_by_role("button", name="启动联邦")).to_have_count(0)


def test_wrong_passphrases_are_slowed_and_the_right_one_then_is_too(visit, url):
    page = visit("", base=url)
    open_box(page)
    choose(page, "officer@zezhou")
    for number in range(1, FREE + 1):
        enter(page, "not the passphrase")
        expect(box(page).get_by_role("alert")).to_contain_text(f"连续错误 {number} 次", timeout=PATIENCE_MS)
        expect(box(page).locator("input[type=password]")).to_have_value("")
    enter(page, PASSPHRASE)
    expect(box(page).get_by_role("alert")).to_contain_text(re.compile(r"请在 \d+ 秒后再试"), timeout=PATIENCE_MS)
    expect(who(page)).to_contain_text("未登录")


@pytest.mark.parametrize(("language", "scheme"), [("zh", "light"), ("en", "dark")])
def test_axe_finds_nothing_in_the_box_and_it_fits(visit, url, home, language, scheme):
    page = visit(f"nodes?lang={language}", base=url, color_scheme=scheme)
    open_box(page)
    choose(page, "analyst$")
    assert violations(page) == []
    assert wider_than_the_window(page) == 0
    enter(page, (home.path / "analysts/analyst/sign-in-code").read_text().strip())
    expect(who(page)).to_contain_text("申请方" if language == "zh" else "Analyst", timeout=PATIENCE_MS)
    assert violations(page) == []


def test_a_session_is_over_with_its_roster_and_the_page_says_so(visit, url, home):
    page = visit("nodes", base=url)
    open_box(page)
    choose(page, "auditor@city")
    enter(page, PASSPHRASE)
    expect(who(page)).to_contain_text("安全审计员", timeout=PATIENCE_MS)
    after = msgspec.structs.replace(home.roster, epoch=2, previous=home.roster.hash).to_bytes()
    for file in home.path.glob("parties/*/roster.json"):
        file.write_bytes(after)
    expect(who(page)).to_contain_text("会话已结束，请重新登录", timeout=PATIENCE_MS)
