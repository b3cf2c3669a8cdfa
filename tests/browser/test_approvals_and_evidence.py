import re
import threading

import pytest
from playwright.sync_api import Page, expect

from federation.errors import KeyongError
from tests.browser.conftest import needed, serving
from tests.browser.looking import violations, wider_than_the_window
from tests.browser.visiting import sign_in
from tests.support.offices import PASSPHRASE, SQL, offices

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("federation")]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Three departments whose officers must approve; one job that they did approve, in a record that is sealed."""
    needed("bwrap")
    with offices(tmp_path_factory.mktemp("offices")) as running:
        running.ask_approved()
        yield running


@pytest.fixture(scope="module")
def url(browser, small):
    with serving(small.home.path) as address:
        yield address


@pytest.fixture
def waiting(small):
    """A request that lies on all desks, until the test is over."""
    outcome = []

    def ask():
        try:
            outcome.append(small.ask())
        except KeyongError as error:
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    yield small.wait_until_lying(), outcome, thread
    small.settle()
    thread.join(30)


def say(page: Page, account: str, button: str, passphrase: str) -> None:
    page.get_by_test_id("stMain").get_by_label(f"{account} 的口令").fill(passphrase)
    page.get_by_role("button", name=button, exact=True).click()


def cell(page: Page, job: str, column: int):
    return page.locator(".ky-matrix tr", has_text=job).locator("td").nth(column)


def test_a_request_is_approved_by_everybody_through_the_page_and_runs(visit, url, small, waiting):
    job, outcome, thread = waiting
    for number, department in enumerate(small.departments, 1):
        page = visit(f"approvals?request={job}", base=url)
        sign_in(page, f"officer@{department}", PASSPHRASE)
        say(page, f"officer@{department}", "批准", PASSPHRASE)
        expect(cell(page, job, number)).to_have_text(re.compile("已批准|已执行"), timeout=30_000)
    thread.join(60)
    assert outcome[0].job == job
    expect(cell(page, job, len(small.departments) + 1)).to_have_text("已放行", timeout=20_000)


def test_a_wrong_passphrase_signs_nothing_and_says_so(visit, url, small, waiting):
    job, _, _ = waiting
    page = visit(f"approvals?request={job}", base=url)
    sign_in(page, "officer@east", PASSPHRASE)
    say(page, "officer@east", "批准", "not the passphrase")
    expect(page.get_by_role("alert")).to_contain_text("口令不对", timeout=30_000)
    expect(cell(page, job, 1)).to_have_text("待审批")


def test_a_denial_through_the_page_stops_the_request(visit, url, waiting):
    job, outcome, thread = waiting
    page = visit(f"approvals?request={job}", base=url)
    sign_in(page, "officer@east", PASSPHRASE)
    say(page, "officer@east", "拒绝", PASSPHRASE)
    expect(cell(page, job, 1)).to_have_text("已拒绝", timeout=30_000)
    thread.join(60)
    assert outcome[0].code == "refused.denied"


def test_a_guest_sees_hashes_and_an_auditor_everything_and_neither_can_press_anything(visit, url, waiting):
    page = visit("approvals", base=url)
    expect(page.get_by_text("只看。要签署，请安全管理员先在左侧登录。")).to_be_visible()
    expect(page.locator(".ky-sql")).to_have_count(0)
    sign_in(page, "auditor@city", PASSPHRASE)
    expect(page.get_by_text("安全审计员：看得到一切，不能审批。")).to_be_visible()
    expect(page.locator(".ky-sql")).to_have_text(SQL)
    expect(page.get_by_test_id("stMain").get_by_test_id("stForm")).to_have_count(0)


def fold(page: Page):
    return page.locator(".proof")


def test_an_altered_field_turns_leaf_to_root_red_names_the_level_and_is_restored(visit, url, small):
    before = small.log_bytes()
    page = visit("audit?entry=20", base=url)
    expect(fold(page).get_by_role("status")).to_contain_text("签名成立")
    levels = fold(page).locator("li").count()
    expect(fold(page).locator("li.good")).to_have_count(levels)
    fold(page).get_by_role("button", name="改动").click()
    expect(fold(page).get_by_role("alert")).to_contain_text("不成立：自叶起不再相符")
    expect(fold(page).get_by_role("alert")).to_contain_text("签名也不再成立")
    expect(fold(page).locator("li.bad")).to_have_count(levels)
    fold(page).get_by_role("button", name="恢复").click()
    expect(fold(page).locator("li.bad")).to_have_count(0)
    expect(page.locator(".ky-verdict.good").first).to_contain_text("记录成立", timeout=120_000)
    assert before in small.log_bytes()  # only ever longer


def test_an_altered_hash_of_the_proof_is_named_by_its_level(visit, url):
    page = visit("audit?entry=20", base=url)
    fold(page).get_by_role("combobox").select_option(label="证明中第 3 层的兄弟哈希")
    fold(page).get_by_role("button", name="改动").press("Enter")
    expect(fold(page).get_by_role("alert")).to_contain_text("不成立：自第 3 层起不再相符")
    expect(fold(page).get_by_role("alert")).to_contain_text("签名成立")
    expect(fold(page).locator("li.good")).to_have_count(3)  # leaf, 1, 2
    expect(fold(page).get_by_role("button", name="恢复")).to_be_focused()


def test_a_proof_is_downloaded_pasted_and_holds(visit, url):
    page = visit("audit?entry=20", base=url)
    with page.expect_download() as download:
        page.get_by_role("button", name="下载这一条的证明").click()
    text = download.value.path().read_text("utf-8")
    page.get_by_text("粘贴一份证明来验证").click()
    page.get_by_label(".tlog-proof").fill(text)
    page.get_by_role("button", name="验证", exact=True).click()
    expect(page.get_by_text("证明成立：第 20 条")).to_be_visible()


def test_an_entry_is_opened_from_the_list_by_keyboard(visit, url):
    page = visit("audit", base=url)
    button = page.locator(".entries button").nth(2)
    number = button.text_content().replace(",", "")
    button.press("Enter")
    expect(page.get_by_role("heading", name=f"第 {number} 条", level=2)).to_be_visible()
    expect(page).to_have_url(re.compile(f"entry={number}"))


@pytest.mark.parametrize(
    ("address", "scheme"),
    [("approvals", "light"), ("approvals?lang=en", "dark"), ("audit", "dark"), ("audit?lang=en", "light")],
)
def test_axe_finds_nothing_and_nothing_has_to_be_scrolled_sideways(visit, url, address, scheme):
    page = visit(address, base=url, color_scheme=scheme)
    expect(page.locator(".ky-matrix, .proof li").first).to_be_visible()
    assert violations(page) == []
    assert wider_than_the_window(page) == 0
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert wider_than_the_window(page) == 0


@pytest.mark.parametrize("address", ["approvals", "audit"])
def test_on_paper_nothing_is_cut(visit, url, address):
    page = visit(address, base=url, color_scheme="dark")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 710, "height": 1000})
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    assert wider_than_the_window(page) == 0
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
