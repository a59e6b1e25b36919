"""The web pages in a browser: for every eye, for the keyboard, on a phone, on paper, searched.

The pages are opened from the disk, as a reader with a stick does.
"""

from pathlib import Path

import pytest

from helpers import plots
from tools.drawings import check
from tools.site import figures, pages

axe_sync = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)
pytestmark = pytest.mark.long
PAGES = [page.address for page in pages.all_pages()] + ["search.html"]
PHONE, DESK = {"width": 375, "height": 812}, {"width": 1366, "height": 768}
FOCUSED = "(document.activeElement.innerText || document.activeElement.id).trim()"


@pytest.fixture
def opened(browser, site):
    """Opens a page of the site; whatever it asks of another host fails the test."""
    contexts, elsewhere = [], []

    def open_page(address: str, size: dict = DESK, scheme: str = "light"):
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.on("request", lambda request: elsewhere.append(request.url))
        page.goto((site / address).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert elsewhere, "no request was seen: the test looks at the wrong thing"
    assert [url for url in elsewhere if not url.startswith(site.as_uri())] == []


def violations(page) -> dict[str, list[str]]:
    """Rule -> the pieces of HTML that break it; all rules of axe, best practices too."""
    found = axe_sync.Axe().run(page).response["violations"]
    return {each["id"]: [node["html"] for node in each["nodes"]] for each in found}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_nothing_and_no_page_is_wider_than_a_phone(opened, address, scheme):
    page = opened(address, PHONE, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert violations(page) == {}


def test_axe_finds_what_is_wrong(opened):
    page = opened("index.html")
    page.evaluate("document.querySelector('main img').removeAttribute('alt')")
    page.evaluate("document.querySelector('main p').style.color = '#999'")
    assert {"image-alt", "color-contrast"} <= set(violations(page))


def test_on_a_desk_the_contents_stand_open_and_axe_finds_nothing(opened):
    page = opened("notebooks/05_evaluation.html")
    assert page.get_by_role("link", name="Glossary").first.is_visible()
    assert violations(page) == {}


def test_the_keyboard_reaches_everything(opened):
    page = opened("notebooks/01_tokenization.html", PHONE)
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    expected = ["Skip to the text", "SFT Unveiled", "words", "Search", "Dark colours", "Contents"]
    assert reached == expected
    page.keyboard.press("Enter")
    assert page.get_by_role("link", name="Glossary").first.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.href").endswith("/index.html")


def test_the_skip_link_leads_to_the_text(opened):
    page = opened("notebooks/01_tokenization.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_only_blocks_that_scroll_stop_the_keyboard_and_arrows_scroll_them(opened):
    page = opened("notebooks/01_tokenization.html", PHONE)
    scroll = "block => block.scrollWidth > block.clientWidth"
    for block in page.query_selector_all("[role=group][aria-label]"):
        assert block.evaluate(scroll) == (block.get_attribute("tabindex") == "0")
    wide = page.query_selector("pre[tabindex]")
    wide.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('pre[tabindex]').scrollLeft > 0")


def test_the_switch_is_remembered_on_the_next_page(opened):
    page = opened("index.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark colours").press("Enter")
    dark = page.evaluate(ground)
    page.get_by_role("link", name="Next").click()
    assert page.evaluate(ground) == dark != light
    assert page.get_by_role("button", name="Light colours").is_visible()


def test_an_svg_follows_the_switch_and_fits_a_phone(opened):
    page = opened("notebooks/00_start_here.html", PHONE, "light")
    figure, axes = plots.new()
    axes.plot([1, 2], color=plots.FINE_TUNED)
    drawing = next(check.FOLDER.glob("*.svg")).read_text(encoding="utf8")
    for number, svg in enumerate((plots.svg(figure), drawing)):
        made = f"<figure>{figures.inline(svg, 'words that say it', f'new-{number}-')}</figure>"
        page.evaluate(
            "svg => document.querySelector('main').insertAdjacentHTML('beforeend', svg)", made
        )
    read = """() => [".figure path[style*='stroke: light-dark(#0072b2']", ".figure",
            ".drawing .paper", ".drawing text"]
        .map(part => getComputedStyle(document.querySelector(part)))
        .map(style => style.stroke === "none" ? style.fill : style.stroke)"""
    light = page.evaluate(read)
    page.get_by_role("button", name="Dark colours").click()
    dark = page.evaluate(read)
    assert light[0] == "rgb(0, 114, 178)"
    assert all(one != other for one, other in zip(light, dark, strict=True))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert violations(page) == {}


@pytest.mark.parametrize("scripts", [True, False])
def test_an_answer_waits_for_a_key_with_and_without_scripts(browser, site, scripts):
    context = browser.new_context(viewport=DESK, java_script_enabled=scripts)
    page = context.new_page()
    page.goto((site / "notebooks" / "05_evaluation.html").as_uri())
    answer = page.locator("details.answer").first
    output = answer.locator(".outputs")
    assert not output.is_visible()
    answer.locator("summary").press("Enter")
    assert output.is_visible()
    context.close()


def test_the_search_finds_sections_and_leads_to_them(opened):
    page = opened("notebooks/00_start_here.html")
    page.get_by_role("searchbox").fill("reliability diagram")
    page.keyboard.press("Enter")
    page.locator("#found", has_text="section").wait_for()
    page.locator("#results a[href*='05_evaluation']").first.click()
    page.wait_for_url("**/05_evaluation.html#*")
    anchor = Path(page.url).name.partition("#")[2]
    page.locator(f"[id='{anchor}']").wait_for()


def test_the_search_says_when_there_is_nothing_and_runs_no_markup(opened):
    page = opened("index.html")
    page.get_by_role("searchbox").fill("<b>qzqzqz</b> (+")
    page.keyboard.press("Enter")
    page.locator("#found", has_text="0 sections hold").wait_for()
    assert page.locator("#found b").count() == 0


def test_on_paper_answers_are_open_code_is_whole_and_the_contents_are_gone(opened):
    page = opened("notebooks/04_fine_tuning_loop.html", scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator("nav.contents").is_visible()
    for answer in page.query_selector_all("main details"):
        title = answer.query_selector("summary").bounding_box() or {"height": 12}  # may be hidden
        height, title = answer.bounding_box()["height"], title["height"]
        assert height > 2 * title + 10, answer.inner_text()
    for block in page.query_selector_all("pre"):
        assert block.evaluate("block => block.scrollWidth <= block.clientWidth + 1")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts_everything_is_read_and_walked_through(browser, site):
    context = browser.new_context(viewport=DESK, java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    assert page.get_by_role("link", name="Glossary").first.is_visible()
    page.get_by_role("link", name="Next").click()
    assert page.get_by_role("heading", level=1).inner_text() == "00 · Start here"
    answer = page.locator("main details p").first
    assert not answer.is_visible()
    page.locator("main summary").first.click()
    assert answer.is_visible()
    context.close()
