"""The page in the bundle verifies in a real browser, agrees with verify.py, and asks nobody for anything."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, Page

from federation.audit import bundle as bundles
from federation.audit.bundle import write_bundle
from federation.audit.offline import verify
from tests.browser.looking import violations, wider_than_the_window
from tests.support.bundle_attacks import ATTACKS, VARIATIONS, Attack, honest
from tests.support.bundles import City, canonical
from tests.support.desk_forgeries import FORGERIES, DeskStage
from tests.support.desk_forgeries import HONEST as HONEST_DESKS
from tests.support.training_attacks import HONEST, TRAINING_ATTACKS

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("open-me")]

EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
# The page's own program, on files that are handed to it.
JUDGE = """async ([files, own]) => {
  const read = new Map(Object.entries(files).map(([name, text]) => [name, base64(text)]));
  try { await verify(read, own, () => {}); return ""; } catch (error) { return `${error.where}: ${error.reason}`; }
}"""
WINDOW = {"width": 1180, "height": 900}
Open = Callable[..., Page]
Judge = Callable[[bundles.BundleContents], tuple[str, str]]
EVERY_ATTACK = ATTACKS | TRAINING_ATTACKS


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One page for all tests here: a new one takes longer than what is shown on it."""
    context = browser.new_context(viewport=WINDOW, offline=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def open_me(tab: Page, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a bundle; afterwards no request may have left the file and nothing may have been refused."""
    strangers, refused = [], []
    place = tmp_path / "bundle" / "data" / "open-me.html"
    heard = {
        "request": lambda request: strangers.append(request.url) if request.url != place.as_uri() else None,
        "console": lambda line: refused.append(line.text),
        "pageerror": lambda error: refused.append(str(error)),
        "dialog": lambda dialog: refused.append(dialog.message),
    }

    for event, listener in heard.items():
        tab.on(event, listener)

    def open_page(contents: bundles.BundleContents) -> Page:
        write_bundle(tmp_path / "bundle", contents)
        tab.goto(place.as_uri())
        tab.wait_for_selector("body[data-ready]")
        return tab

    yield open_page
    for event, listener in heard.items():
        tab.remove_listener(event, listener)
    tab.emulate_media(media="screen")
    tab.set_viewport_size(WINDOW)
    assert strangers == []
    assert refused == []


def judge(page: Page, city: City | DeskStage, *heads: str) -> str:
    """Paste what the evaluator has and check; returns the verdict's words."""
    for field, text in (("policy", city.policy()), ("signers", city.signers()), ("heads", "".join(heads))):
        page.fill(f"#{field}", text)
    page.click("#check")
    page.wait_for_selector("#verdict.good, #verdict.bad", timeout=60_000)
    return page.inner_text("#verdict")


@pytest.fixture(scope="module")
def city() -> City:
    return honest()


def test_honest_bundle_holds(open_me, city):
    page = open_me(city.contents())
    assert "尚未核验" in page.inner_text("#verdict")
    said = judge(page, city, city.heads["tax"], city.heads["hukou"])
    assert said.startswith("成立")
    assert "125 条 · 联署 4/4 · 6 个检查点 · 2 个树头 · 2 个任务" in said
    assert page.inner_text("#root") == city.root().hex()


def test_jobs_and_bytes_are_told(open_me, city):
    page = open_me(city.contents())
    judge(page, city)
    job = page.inner_text("#job_rows tr:first-child")
    assert "job-0" in job
    assert "analyst@tax" in job
    assert "tax：officer@tax" in job
    assert "2026-11-20 16:00" in job  # Beijing
    assert "已发布" in job
    ciphertext = 2 * 2 * 1441  # two jobs, two rounds
    row = page.locator("#byte_rows tr", has_text="tax").inner_text().split("\t")
    assert [cell.strip() for cell in row] == ["tax", f"{ciphertext:,}", "8,140", "8,608", "22,512"]


def test_missing_head_is_said(open_me, city):
    page = open_me(city.contents())
    judge(page, city)
    assert "没有提供任何部门的树头" in page.inner_text("#notes")
    assert "未提供树头" in page.inner_text("#steps")


def test_nothing_is_checked_without_own_keys(open_me, city):
    page = open_me(city.contents())
    page.click("#check")
    page.wait_for_selector("#verdict.bad")
    assert page.inner_text("#verdict strong") == "不成立：policy"


def test_english_is_one_click_away(open_me, city):
    page = open_me(city.contents())
    judge(page, city, city.heads["tax"])
    page.click("#language")
    assert page.inner_text("#verdict strong") == "Holds"
    assert page.get_attribute("html", "lang") == "en"
    assert "simulated" in page.inner_text("#notes")


@pytest.mark.parametrize("name", EVERY_ATTACK)
def test_forged_record_does_not_hold_at_its_place(name, open_me):
    city = honest()
    forged: Attack = EVERY_ATTACK[name](city)
    page = open_me(forged.contents)
    page.click("#language")
    said = judge(page, city, *forged.heads)
    assert said.splitlines()[0] == f"Does not hold: {forged.where}"
    assert forged.reason in said
    assert page.locator("#results").is_hidden()


@pytest.mark.parametrize("name", VARIATIONS)
def test_unusual_but_honest_record_holds_and_is_said(name, open_me):
    city = honest()
    make, says = VARIATIONS[name]
    page = open_me(make(city))
    page.click("#language")
    assert judge(page, city).startswith("Holds")
    assert says in page.inner_text("#notes")


@pytest.mark.parametrize("name", HONEST)
def test_honest_training_or_prediction_holds(name, open_me):
    city = honest()
    page = open_me(HONEST[name](city))
    assert judge(page, city).startswith("成立")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> DeskStage:
    return DeskStage(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def judged(browser: Browser, stage: DeskStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """Lets the program of one open page look at one bundle after another; returns what it says and what verify.py says.

    Each is a place and the name of a reason, "" for what holds.
    """
    folder = tmp_path_factory.mktemp("judged")
    write_bundle(folder / "bundle", stage.contents(stage.scene()))
    page = browser.new_page()
    page.goto((folder / "bundle" / "data" / "open-me.html").as_uri())
    page.wait_for_selector("body[data-ready]")

    def judge_both(contents: bundles.BundleContents) -> tuple[str, str]:
        with TemporaryDirectory(dir=folder) as place:
            root = Path(place) / "bundle"
            write_bundle(root, contents)
            files = {
                file.relative_to(root).as_posix(): b64encode(file.read_bytes()).decode()
                for file in root.rglob("*")
                if file.is_file()
            }
            own = {"policy": stage.policy(), "signers": stage.signers(), "heads": ""}
            return page.evaluate(JUDGE, [files, own]), by_the_script(root, stage)

    yield judge_both
    page.close()


def by_the_script(root: Path, stage: DeskStage) -> str:
    policy = verify.Policy(stage.policy())
    signers = {**verify.read_signers(stage.signers(), policy.origin), verify.COORDINATOR: policy.log_public}
    try:
        verify.Case(str(root), policy, signers, []).run(lambda _: None)
    except verify.Reject as refusal:
        return f"{refusal.where}: {refusal.reason}"
    return ""


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_of_the_desk_is_rejected_as_by_the_script(name, judged, stage):
    said, by_script = judged(stage.contents(stage.scene().forged(FORGERIES[name].make(stage))))
    assert said == by_script
    assert said.startswith("entry ")


@pytest.mark.parametrize("name", HONEST_DESKS)
def test_honest_record_of_a_desk_holds_as_by_the_script(name, judged, stage):
    assert judged(stage.contents(stage.scene().forged(HONEST_DESKS[name](stage)))) == ("", "")


def test_both_officers_are_named(open_me, stage):
    page = open_me(stage.contents(stage.scene()))
    judge(page, stage)
    assert "tax：officer@tax、deputy@tax" in page.inner_text("#job_rows")
    assert "脚本输出" in page.inner_text("#byte_head")


def test_words_of_the_record_never_become_elements(open_me):
    city = City().start()
    plan = city.request(EVIL)
    for name in city.departments:
        city.grant(name, EVIL, plan)
    city.begin(EVIL, plan)
    city.event("coordinator", "job.end", EVIL, outcome=EVIL)
    city.seal()
    page = open_me(city.contents())
    assert judge(page, city).startswith("成立")
    assert page.inner_text("#job_rows").count(EVIL) == 2
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_words_of_a_refusal_never_become_elements(open_me):
    city = honest()
    event = {**city.event_at(0), "node": EVIL}
    index = city.raw("tax", canonical(event))
    city.seal()
    page = open_me(city.contents())
    said = judge(page, city)
    assert said.startswith(f"不成立：第 {index} 条")
    assert EVIL in said
    assert page.locator("img").count() == 0


def test_page_lets_nothing_run_but_itself(open_me, city):
    page = open_me(city.contents())
    policy = page.get_attribute("meta[http-equiv]", "content")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_browser_without_ed25519_is_told_which_have_it(browser, city, tmp_path):
    write_bundle(tmp_path / "bundle", city.contents())
    context = browser.new_context()
    context.add_init_script("SubtleCrypto.prototype.importKey = () => Promise.reject(new Error('NotSupportedError'))")
    page = context.new_page()
    page.goto((tmp_path / "bundle/data/open-me.html").as_uri())
    page.get_by_text("Chrome 或 Edge 137、Firefox 129、Safari 17").wait_for()
    assert page.is_disabled("#check")
    context.close()


def test_long_record_is_read_from_the_chosen_folder(open_me, city, tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "EMBEDDED_ENTRIES", 10)
    page = open_me(city.contents())
    assert page.is_disabled("#check")
    page.set_input_files("#folder", tmp_path / "bundle")
    page.wait_for_selector("#check:enabled")
    assert judge(page, city, city.heads["tax"]).startswith("成立")
    assert page.inner_text("#steps li:first-child b") == "成立"  # here the manifest is seen


def test_file_changed_in_the_chosen_folder_is_named(open_me, city, tmp_path, monkeypatch):
    monkeypatch.setattr(bundles, "EMBEDDED_ENTRIES", 10)
    page = open_me(city.contents())
    (tmp_path / "bundle/data/wire.json").write_text("[]")
    page.set_input_files("#folder", tmp_path / "bundle")
    page.wait_for_selector("#check:enabled")
    assert judge(page, city).startswith("不成立：文件 data/wire.json")


def test_page_has_no_violations_and_fits_a_narrow_window(open_me, city):
    page = open_me(city.contents())
    judge(page, city, city.heads["tax"])
    page.set_viewport_size({"width": 400, "height": 800})
    assert wider_than_the_window(page) == 0
    assert violations(page) == []


def test_page_prints_on_a4_without_its_fields(open_me, city, tmp_path):
    page = open_me(city.contents())
    judge(page, city, city.heads["tax"])
    page.emulate_media(media="print")
    assert page.locator("textarea:visible").count() == 0
    assert page.locator("#given dd").count() == 3  # what was pasted stands there by its SHA-256
    page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert b"/MediaBox [0 0 594.9" in (tmp_path / "page.pdf").read_bytes()


@pytest.mark.slow
def test_ten_thousand_entries_are_verified_in_ten_seconds(open_me, capsys):
    city = City().start()
    job = 0
    while len(city.entries) < 10_000:
        city.run(f"job-{job}")
        job += 1
    page = open_me(city.contents())
    started = time.perf_counter()
    said = judge(page, city, city.heads["tax"])
    seconds = time.perf_counter() - started
    with capsys.disabled():
        print(f"\nopen-me.html: {len(city.entries)} entries, {len(city.checkpoints)} checkpoints in {seconds:.1f} s")
    assert said.startswith("成立")
    assert seconds < 10
