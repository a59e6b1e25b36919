"""The interactive figures in a browser: from the disk, by keyboard, on a phone, in JupyterLab."""

import html
import re

import nbformat
import pytest

from helpers import checkpoints, widgets
from helpers.widgets import frame
from tests.unit import widget_texts

PHONE, DESK = {"width": 356, "height": 800}, {"width": 1000, "height": 800}
NAMES = ["tokenizer", "attention", "masks", "threshold", "samples"]
NAMES += ["temperature", "descent", "replay", "words"]
CUT = """async (texts) => {
    const tables = readTables(await unpack());
    return texts.map((text) => tokenize(tables, text).flatMap((word) => word.ids));
}"""
KNOWN = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def stored(name: str) -> str:
    """What a notebook keeps of a figure."""
    found: list[dict] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "display", lambda data, **options: found.append(data))
        getattr(widgets, name)()
    return found[0]["text/html"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Two copies of each figure on one page, and the page inside a figure on its own."""
    folder = tmp_path_factory.mktemp("figures")
    for name in NAMES:
        figure = stored(name)
        inside = html.unescape(re.search(r'srcdoc="([^"]*)"', figure)[1])
        twice = f"<!DOCTYPE html><html lang=en><body style='margin:8px'>{figure}{figure}</body>"
        (folder / f"{name}.html").write_text(twice, encoding="utf8")
        (folder / f"{name}_alone.html").write_text(inside, encoding="utf8")
    return folder


@pytest.fixture
def opened(browser, pages):
    """Opens one of the pages; an error of its scripts or a request elsewhere fails the test."""
    contexts, faults, asked = [], [], []

    def open_page(name: str, size: dict = DESK, **options):
        contexts.append(browser.new_context(viewport=size, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((pages / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
    assert (
        asked and [url for url in asked if not url.startswith(("file:", "about:", "data:"))] == []
    )


def figures(page) -> list:
    """The frames of the figures, ready to be used."""
    inside = [each for each in page.frames if each is not page.main_frame]
    for each in inside:
        each.wait_for_selector("#figure", state="visible")
    return inside


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_two_copies_fit_a_phone_and_are_as_tall_as_what_they_hold(opened, name, scheme):
    page = opened(name, PHONE, color_scheme=scheme)
    assert len(figures(page)) == 2
    tall = "Math.ceil(document.documentElement.getBoundingClientRect().height)"
    for number, inside in enumerate(figures(page)):
        assert inside.evaluate("document.documentElement.scrollWidth") <= 340
        height = inside.evaluate(tall)
        shown = f"document.querySelectorAll('iframe')[{number}].style.height"
        page.wait_for_function(f"{shown} === '{height}px'")
        ground = inside.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_figure_follows_the_switch_of_the_page_around_it(opened):
    page = opened("attention")
    first, _ = figures(page)
    for scheme, ground in (("dark", "rgb(20, 24, 29)"), ("light", "rgb(255, 255, 255)")):
        page.evaluate("scheme => { document.documentElement.dataset.scheme = scheme; }", scheme)
        colour = "getComputedStyle(document.body).backgroundColor"
        first.wait_for_function(f"{colour} === '{ground}'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(opened, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(f"{name}_alone", PHONE, color_scheme=scheme)
    page.wait_for_selector("#figure", state="visible")
    found = axe.Axe().run(page).response["violations"]
    assert {each["id"]: [node["html"] for node in each["nodes"]] for each in found} == {}


@pytest.mark.parametrize("name", NAMES)
def test_without_scripts_the_words_are_read(opened, name):
    page = opened(f"{name}_alone", java_script_enabled=False)
    assert page.locator("#in-words").is_visible() and not page.locator("#figure").is_visible()


def test_the_tokenizer_in_the_page_cuts_as_the_library_does(opened):
    inside, _ = figures(opened("tokenizer"))
    texts = widget_texts.all_texts()
    expected = checkpoints.load_tokenizer("minilm")(texts, add_special_tokens=False)["input_ids"]
    assert inside.evaluate(CUT, texts) == expected


def test_typing_shows_pieces_and_the_slider_cuts_them(opened):
    inside, other = figures(opened("tokenizer"))
    inside.get_by_label("Type a sentence").fill("Unbelievable 我 😀!")
    chips = inside.locator("#words .chip")
    assert chips.all_inner_texts() == ["[CLS]", "unbelievable", "我", "[UNK]", "!", "[SEP]"]
    assert inside.locator("#words .unknown .chip").count() == 1
    slider = inside.get_by_label("max_length")
    slider.focus()
    slider.press("Home")
    for _ in range(2):
        slider.press("ArrowRight")
    assert inside.locator("#count").inner_text().endswith("max_length=4 keeps 4 and cuts off 2.")
    assert inside.locator("#words .cut .chip").all_inner_texts() == ["[UNK]", "!"]
    assert chips.all_inner_texts()[3] == "[SEP]"
    assert "naive" in other.locator("#words").inner_text()


def test_arrow_keys_choose_layer_head_and_token(opened):
    inside, _ = figures(opened("attention"))
    said = inside.locator("#said")
    assert said.inner_text().startswith("Layer 1, head 4: “bank” looks at “river” with 85\u00a0%")
    inside.get_by_role("radio", name="layer 1", exact=True).press("ArrowRight")
    inside.get_by_role("radio", name="head 4", exact=True).press("ArrowLeft")
    inside.get_by_role("radio", name="bank, token 7 of 8").press("ArrowUp")
    assert said.inner_text().startswith("Layer 2, head 3: “river” looks at")
    inside.get_by_role("radio", name="all tokens at once").check(force=True)
    assert "where every token looks" in said.inner_text()
    assert inside.locator("#lines path").count() > 10


def test_a_pointer_looks_a_tap_stays_and_a_button_leads_on(opened):
    inside, _ = figures(opened("attention"))
    said = inside.locator("#said")
    inside.locator("#from .token", has_text="sat").hover()
    assert "“sat” looks at" in said.inner_text()
    inside.locator("#to .token").first.hover()
    assert "“bank” looks at" in said.inner_text()
    inside.locator("#from .token", has_text="sat").click()
    inside.locator("#maps label").nth(11).click()
    assert said.inner_text().startswith("Layer 1, head 11: “sat” looks at")
    inside.get_by_label("Sentence").select_option("paris is to france as rome is to italy")
    assert "“rome” looks at “paris”" in said.inner_text()
    inside.get_by_role("button", name="at the token before").click()
    assert said.inner_text().startswith("Layer 1, head 2:")


def trained(inside) -> list[str]:
    """The tokens of the mask microscope that carry loss."""
    return inside.locator("#chat .trained .target").all_inner_texts()


def test_the_mask_microscope_in_the_page_cuts_as_the_library_does(opened):
    inside, _ = figures(opened("masks"))
    texts = widget_texts.chat_texts()
    expected = checkpoints.load_tokenizer("smollm2")(texts, add_special_tokens=False)["input_ids"]
    assert inside.evaluate(CUT, texts) == expected


def test_typing_and_the_switch_show_what_is_trained(opened):
    inside, other = figures(opened("masks"))
    assert trained(inside) == ["def", "ect", "<|im_end|>"]
    inside.get_by_role("textbox", name="System message", exact=True).fill("")
    assert "(inserted by the template)" in inside.locator("#chat").inner_text()
    inside.get_by_role("textbox", name="User", exact=True).fill("Hi 😀")
    inside.get_by_role("textbox", name="Assistant", exact=True).fill("Hello  you\n")
    assert trained(inside) == ["Hello", "·", "·you", "↵", "<|im_end|>"]
    assert inside.locator("#count").inner_text().split()[2:4] == ["5", "trained"]
    inside.get_by_role("radio", name="answers only").press("ArrowRight")
    assert len(trained(inside)) == inside.locator("#chat li").count() - 1
    inside.get_by_role("radio", name="everything").press("ArrowRight")
    assert trained(inside) == ["Hello", "·", "·you", "↵"]
    inside.get_by_role("radio", name="pad = eos").press("ArrowRight")
    assert trained(inside) == ["Hello", "·", "·you", "↵↵"]
    inside.get_by_role("radio", name="no end token in the text").press("ArrowRight")
    assert trained(inside) == ["Hello", "·", "·you", "↵", "<|im_end|>"]
    reads = inside.locator("#chat .trained .read").all_inner_texts()
    assert reads == ["istant", "↵", "Hello", "·", "·you"]
    assert trained(other) == ["def", "ect", "<|im_end|>"]


def test_a_second_turn_comes_and_goes_and_typed_special_tokens_are_marked(opened):
    inside, _ = figures(opened("masks"))
    inside.get_by_role("button", name="Add a second turn").press("Enter")
    assert inside.evaluate("document.activeElement.id") == "user-2"
    inside.get_by_label("Assistant, second turn").fill("no")
    assert trained(inside) == ["def", "ect", "<|im_end|>", "no", "<|im_end|>"]
    inside.get_by_role("button", name="Remove the second turn").press("Enter")
    assert trained(inside) == ["def", "ect", "<|im_end|>"]
    assert not inside.locator("#typed").is_visible()
    inside.get_by_role("button", name="typed by hand").click()
    assert inside.locator("#typed").inner_text().startswith("2 special tokens typed by hand")
    typed = inside.locator("#chat .typed .read").all_inner_texts()
    assert typed == ["<|im_end|>", "<|im_start|>"]
    inside.get_by_role("button", name="two turns").click()
    assert trained(inside).count("<|im_end|>") == 2
    assert inside.get_by_label("User, second turn").input_value() == "And of Italy?"


def test_the_threshold_moves_by_keyboard_and_everything_follows(opened):
    inside, other = figures(opened("threshold"))
    counts = [inside.locator(f"#{name}") for name in ("tp", "fp", "fn", "tn")]
    assert [each.inner_text() for each in counts] == ["317", "47", "109", "380"]
    before = inside.locator("#dot").get_attribute("cx")
    slider = inside.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    assert inside.locator("#value").inner_text() == "0.502"
    slider.press("End")
    assert [each.inner_text() for each in counts] == ["0", "0", "426", "427"]
    assert "0 / 0" in inside.locator("#measures").inner_text()
    assert inside.locator("#dot").get_attribute("cx") != before
    inside.get_by_role("button", name="Cheapest").press("Enter")
    costly = inside.locator("#said").inner_text()
    inside.get_by_label("Cost of a false negative").fill("5")
    inside.get_by_role("button", name="Cheapest").press("Enter")
    assert inside.locator("#said").inner_text() != costly
    inside.get_by_role("button", name="Back to ½").press("Enter")
    assert inside.locator("#tp").inner_text() == other.locator("#tp").inner_text() == "317"


def test_samples_are_drawn_by_keyboard_and_counted(opened):
    inside, _ = figures(opened("samples"))
    said = inside.locator("#said")
    assert said.inner_text().startswith("The last sample of 75:")
    inside.get_by_role("button", name="Draw 100 more").press("Enter")
    assert "Of 101 intervals so far" in said.inner_text()
    assert inside.locator("#draws circle").count() == 20
    inside.get_by_role("radio", name="Wilson").press("ArrowRight")
    assert "Of 101 intervals so far" in said.inner_text()
    inside.get_by_role("radio", name="75", exact=True).press("ArrowRight")
    assert said.inner_text().startswith("The last sample of 853:")
    inside.get_by_role("button", name="Start again").press("Enter")
    assert "Of 1 interval so far" in said.inner_text()


def test_the_temperature_moves_by_keyboard_and_its_buttons_find_the_lowest(opened):
    inside, other = figures(opened("temperature"))
    said = inside.locator("#said")
    assert "Cross-entropy 0.544, ECE 0.118" in said.inner_text()
    slider = inside.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    assert said.inner_text().startswith("Epoch 3, τ = 1.01:")
    inside.get_by_role("button", name="Lowest cross-entropy").press("Enter")
    assert inside.locator("#value").inner_text() == "2.11"
    inside.get_by_role("button", name="Lowest ECE").press("Enter")
    assert inside.locator("#value").inner_text() == "2.38"
    accuracy = inside.locator("#measures tr").first.inner_text()
    assert accuracy.split() == ["accuracy", "0.815", "0.815"]
    inside.get_by_role("radio", name="epoch 3").press("ArrowLeft")
    inside.get_by_role("button", name="Lowest cross-entropy").press("Enter")
    assert said.inner_text().startswith("Epoch 1, τ = 1.29:")
    assert inside.locator("#diagram circle").count() == 10
    inside.get_by_role("button", name="Back to 1").press("Enter")
    assert inside.locator("#value").inner_text() == other.locator("#value").inner_text() == "1.00"


def test_the_ball_rolls_by_keyboard_and_by_play(opened):
    inside, _ = figures(opened("descent"))
    said, rate = inside.locator("#said"), inside.get_by_label("Learning rate")
    assert "arrived at the bottom of the valley" in said.inner_text()
    rate.focus()
    rate.press("End")
    assert "The steps are far too long: after 12 of them" in said.inner_text()
    rate.press("Home")
    assert said.inner_text().startswith("After 30 steps: w = −1.091")
    step = inside.get_by_label("Step ", exact=False)
    step.focus()
    step.press("Home")
    assert said.inner_text().startswith("After 0 steps: w = −2.000, loss 4.000, slope −4.000.")
    inside.get_by_role("radio", name="one valley").press("ArrowRight")
    inside.get_by_label("Start at").press("End")
    assert said.inner_text().startswith("After 30 steps")
    inside.get_by_role("button", name="Play").press("Enter")
    inside.wait_for_function("document.getElementById('step').value > 1")
    assert inside.locator("#valley .ball").count() == 1
    inside.get_by_role("button", name="Stop").press("Enter")
    at = step.input_value()
    inside.wait_for_timeout(400)
    assert step.input_value() == at and inside.get_by_role("button", name="Play").count() == 1


def test_the_replay_goes_through_steps_and_epochs_by_keyboard(opened):
    inside, _ = figures(opened("replay"))
    said, title = inside.locator("#said"), inside.locator("#title")
    assert title.inner_text() == "Before the first step" and not inside.locator("#lines li").count()
    step = inside.get_by_label("Step ", exact=False)
    step.focus()
    step.press("ArrowRight")
    assert title.inner_text() == "Epoch 1, batch 1 of 8"
    lines = inside.locator("#lines li").all_inner_texts()
    assert [line.partition(":")[0] for line in lines] == [
        "Forward",
        "Loss",
        "Backward",
        "Step",
        "Zero",
    ]
    assert "no weight moves yet" in lines[3]
    for _ in range(4):
        inside.get_by_role("button", name="Next epoch").press("Enter")
    assert said.inner_text().startswith("Epoch 4 is over.")
    assert "No epoch so far had a lower loss." in said.inner_text()
    step.press("End")
    assert "The lowest loss so far was in epoch 4." in said.inner_text()
    assert inside.get_by_role("button", name="Next epoch").is_disabled()
    assert inside.locator("#watched .wrong").count() == 1
    assert inside.locator("#accuracy rect").count() == 10
    inside.get_by_role("button", name="Play").press("Enter")
    inside.wait_for_function("document.getElementById('step').value == 2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_example_is_accessible_and_long_words_fit_a_phone(opened, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened("masks_alone", PHONE, color_scheme=scheme)
    page.wait_for_selector("#figure", state="visible")
    for button in page.locator(".tries button").all():
        button.click()
        assert axe.Axe().run(page).response["violations"] == []
    page.get_by_role("textbox", name="User", exact=True).fill("z" * 300)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.long
def test_in_jupyterlab_they_run_are_kept_and_say_their_words_where_nobody_trusts(
    server, browser, copy
):
    from tests.browser import lab

    sources = ["from helpers import widgets\nwidgets.tokenizer()", "widgets.attention()"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KNOWN), copy / "figures.ipynb")
    with lab.Notebook(browser, server, "figures.ipynb") as notebook:
        notebook.command("notebook:run-all-cells", 120)
        assert len(figures(notebook.page)) == 2
        assert notebook.clipped(0) == notebook.clipped(1) == []
        figures(notebook.page)[0].get_by_label("max_length").press("ArrowRight")
        assert notebook.page.evaluate("panel.content.activeCellIndex") == 1
        notebook.save()
    kept = nbformat.read(copy / "figures.ipynb", as_version=4)
    with lab.Notebook(browser, server, "figures.ipynb") as notebook:
        assert len(figures(notebook.page)) == 2
    kept.cells[0].source += "  # changed by somebody else"
    nbformat.write(kept, copy / "foreign.ipynb")
    with lab.Notebook(browser, server, "foreign.ipynb") as notebook:
        assert len(notebook.page.frames) == 1
        assert notebook.page.get_by_text("Run this cell to see the interactive").count() == 2
