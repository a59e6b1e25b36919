"""The web pages: every link leads somewhere, nothing comes from elsewhere, nothing is lost."""

import hashlib
import html
import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import matplotlib
import pytest

from helpers import folders, plots
from tests.conftest import EVERY, load
from tools import notebook_file, pictures, project
from tools.drawings import check
from tools.site import build, callouts, colours, diagrams, figures, pages, prose, tidy

LARGEST = 1_500_000  # bytes of a page with all that it loads
ENOUGH = 4.5  # contrast of text, WCAG 2 AA
PAGES = [page.address for page in pages.all_pages()] + ["search.html"]
WITHOUT_HTTPS = {"mlg.ucd.ie", "neuralnetworksanddeeplearning.com"}
LOADS = {"link": "href", "script": "src", "img": "src"}


class Seen(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.ids, self.links, self.loads = path, [], [], []
        self.images, self.headings, self.language, self.text = [], [], "", ""
        self.inside: list[str] = []
        self.feed(path.read_text(encoding="utf8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.inside.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" and "href" in found else []
        self.loads += [found[LOADS[tag]]] if LOADS.get(tag) in found else []
        is_image = tag == "img" or found.get("role") == "img"
        self.images += [{"alt": found.get("aria-label"), "src": ".svg"} | found] if is_image else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.language = found.get("lang", self.language)
        if tag in ("img", "meta", "link", "input", "br", "hr"):
            self.inside.pop()

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"pre", "code", "math", "script"} & set(self.inside):
            self.text += data


@pytest.fixture(scope="session")
def seen(site) -> dict[str, Seen]:
    """Address -> what stands in the page, for every page."""
    return {path.relative_to(site).as_posix(): Seen(path) for path in site.rglob("*.html")}


def target_of(address: str, link: str) -> tuple[str, str]:
    """(file in the site, anchor) that a relative link leads to."""
    path, _, anchor = link.partition("#")
    joined = Path(address).parent / unquote(path) if path else Path(address)
    return str(Path(*normal(joined.parts))), anchor


def normal(parts: tuple[str, ...]) -> list[str]:
    """The parts of a path without `..`."""
    kept: list[str] = []
    for part in parts:
        if part == "..":
            kept.pop()  # a link out of the site fails here
        else:
            kept.append(part)
    return kept


def is_outside(link: str) -> bool:
    return bool(urlsplit(link).scheme)


# ---------------------------------------------------------------- every page


def test_every_notebook_and_text_has_its_page(seen):
    assert sorted(seen) == sorted(PAGES)
    assert len(PAGES) >= len(EVERY) + 10


@pytest.mark.parametrize("address", PAGES)
def test_links_lead_to_a_page_and_to_an_anchor_in_it(seen, site, address):
    for link in seen[address].links:
        if not is_outside(link):
            file, anchor = target_of(address, link)
            assert (site / file).is_file(), link
            assert not anchor or anchor in seen[file].ids, link


@pytest.mark.parametrize("address", PAGES)
def test_outside_links_are_well_formed(seen, address):
    for link in filter(is_outside, seen[address].links):
        parts = urlsplit(link)
        local = re.search(r"^(localhost|[\d.]+|.*\.local)(:|$)", parts.netloc)
        assert parts.scheme in ("https", "http") and "." in parts.netloc and not local, link
        assert parts.scheme == "https" or parts.netloc in WITHOUT_HTTPS, link


def test_links_to_the_repository_name_files_that_are_there(seen):
    named = {
        unquote(link.removeprefix(build.FILES + "/"))
        for page in seen.values()
        for link in page.links
        if link.startswith(build.FILES)
    }
    assert named
    for file in named:
        assert (project.ROOT / file).exists(), file


@pytest.mark.parametrize("address", PAGES)
def test_a_page_loads_from_its_own_folder_only_and_little(seen, site, address):
    size = (site / address).stat().st_size
    for link in seen[address].loads:
        assert not is_outside(link) and not link.startswith("//"), link
        file = site / target_of(address, link)[0]
        size += file.stat().st_size
    if "<math" in (site / address).read_text("utf8"):
        size += (site / "static" / "fonts" / "stix-two-math.woff2").stat().st_size
    assert size <= LARGEST, f"{size / 1e6:.2f} MB"


def test_style_sheets_and_scripts_name_no_address(site):
    for path in [*site.glob("static/*.css"), site / "static/site.js", site / "static/search.js"]:
        assert "//" not in re.sub(r"^ *//.*| // .*", "", path.read_text("utf8"), flags=re.M), path


@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_one_title_a_language_and_headings_in_order(seen, address):
    page = seen[address]
    assert page.language == "en"
    assert page.headings[0] == 1 and page.headings.count(1) == 1
    for above, below in zip(page.headings, page.headings[1:], strict=False):
        assert below <= above + 1
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize("address", PAGES)
def test_every_picture_has_its_words_and_its_size(seen, address):
    for image in seen[address].images:
        assert len(image["alt"]) >= 20, image["src"]
        assert image["src"].endswith(".svg") or int(image["width"]) > 0


def test_every_page_stands_in_the_contents_of_every_page(seen):
    for address, page in seen.items():
        led_to = {target_of(address, link)[0] for link in page.links if not is_outside(link)}
        assert set(PAGES) - {"search.html"} <= led_to, address


def test_next_leads_through_all_notebooks_in_their_order(site):
    address, walked = "index.html", []
    while match := re.search(r'rel="next" href="([^"]+)"', (site / address).read_text("utf8")):
        address = target_of(address, match[1])[0]
        walked.append(address)
    notebooks = [page.address for page in pages.all_pages() if page.group == "Notebooks"]
    assert walked[: len(notebooks)] == notebooks


# ---------------------------------------------------------------- what a notebook's page shows


def test_all_code_and_every_printed_output_is_shown(site, every):
    """As stored: the text of a page is that of the notebook, whatever marks stand between."""
    page = (site / address_of(every)).read_text("utf8")
    shown = html.unescape(re.sub(r"<[^>]+>", "", page))
    for cell in load(every)["cells"]:
        if cell["cell_type"] == "code":
            assert notebook_file.joined(cell["source"]).strip() in shown
            for output in cell["outputs"]:
                if output["output_type"] == "stream":
                    assert notebook_file.ANSI.sub("", notebook_file.joined(output["text"])) in shown
                elif output["output_type"] == "error":
                    assert output["evalue"].splitlines()[0] in shown


def test_cells_that_fail_on_purpose_say_so_in_words(site, every):
    page = (site / address_of(every)).read_text("utf8")
    cells = load(every)["cells"]
    failing = [c for c in cells if "raises-exception" in c["metadata"].get("tags", [])]
    assert page.count("This cell fails on purpose") == len(failing)


def test_figures_are_those_of_the_notebook(site, seen, every):
    words = [pictures.words(output) for output in pictures.all_of(load(every))]
    images = seen[address_of(every)].images
    assert [one["alt"] for one in images if not one["src"].startswith("../drawings/")] == words


def address_of(notebook: Path) -> str:
    return pages.address_of(notebook.relative_to(project.ROOT).as_posix())


# ---------------------------------------------------------------- pictures in lines


def drawing() -> str:
    return next(check.FOLDER.glob("*.svg")).read_text(encoding="utf8")


def plotted(image: bool = False) -> str:
    figure, axes = plots.new(3, 2)
    axes.plot([1, 2], color=plots.FINE_TUNED, label="one")
    axes.legend()
    if image:
        axes.imshow([[0, 1]])
    return plots.svg(figure)


@pytest.mark.parametrize(
    "svg", [drawing(), plotted(), plotted(image=True)], ids=["drawing", "figure", "image"]
)
def test_two_svgs_on_a_page_share_no_name_and_none_is_lost(svg):
    both = "".join(figures.inline(svg, 'a "red" line & more', prefix) for prefix in ("a-", "b-"))
    ids = re.findall(r'\bid="([^"]+)"', both)
    assert ids and len(ids) == len(set(ids))
    assert set(re.findall(r'url\(#([^)]+)|href="#([^"]+)', both)) <= {
        pair for name in ids for pair in ((name, ""), ("", name))
    }
    assert both.count('role="img" aria-label="a &quot;red&quot; line &amp; more"') == 2
    assert not re.search("<style|<title|<desc|labelledby", both)


def test_a_figure_has_a_second_colour_beside_each_and_a_picture_of_dots_is_turned_whole():
    inside = figures.inline(plotted(), "words", "a-")
    assert f"stroke: light-dark(#0072b2, {figures.dark('#0072b2')})" in inside
    assert "light-dark(#ffffff, #16191d)" in inside
    assert not re.search(r": #[0-9a-f]{6}", inside)
    turned = figures.inline(plotted(image=True), "words", "a-")
    assert turned.startswith('<svg class="turned"') and "light-dark" not in turned


ROLES = {
    name: getattr(plots, name)
    for name in (
        "FINE_TUNED",
        "FROZEN",
        "TF_IDF",
        "RANDOM_WEIGHTS",
        "HUMAN",
        "CHANCE",
        "TRAINING",
        "VALIDATION",
    )
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_can_be_seen_on_a_dark_page_and_keeps_its_hue(role):
    dark = figures.dark(ROLES[role])
    assert colours.contrast(dark, figures.PAPER) >= ENOUGH
    hues = [
        matplotlib.colors.rgb_to_hsv(matplotlib.colors.to_rgb(c))[0] for c in (dark, ROLES[role])
    ]
    assert hues[0] == pytest.approx(hues[1], abs=0.02) or role == "CHANCE"
    assert len({figures.dark(colour) for colour in ROLES.values()}) == len(set(ROLES.values()))


def test_the_dark_page_is_that_of_the_style_sheet():
    palette = palette_of_style_sheet()
    assert (palette["paper"][1], palette["ink"][1]) == (figures.PAPER, figures.INK)
    light_ground = figures.dark("#fff3d6")
    assert colours.contrast(light_ground, figures.INK) >= ENOUGH


def test_the_drawings_style_holds_both_colours_and_only_for_drawings():
    style = figures.style_sheet()
    always, _, in_the_dark = check.STYLE.partition("@media")
    for selector, rules in figures.rules_of(in_the_dark):
        (line,) = [
            each for each in style.splitlines() if each.startswith(f".drawing {selector} {{")
        ]
        for name, value in rules.items():
            assert re.search(rf"\b{name}: light-dark\(#\w{{6}}, {value}\);", line), line
    assert len(style.splitlines()) == len(figures.rules_of(always))
    assert all(line.startswith(".drawing ") for line in style.splitlines())


# ---------------------------------------------------------------- callouts

CELLS = """<blockquote>
<p><strong>Predict, then run:</strong> which?</p>
</blockquote>
<div class="cell">code</div><div class="outputs"><pre>42</pre></div>
<p>It is 42.</p><p>More.</p>
<p><strong>A common mistake: 41.</strong> One says so.</p>
<div class="cell">code</div><div class="outputs"><pre>41</pre></div>
<p>How to read: (<strong>Predict, then run</strong>), run.</p>
<div class="cell">code</div><div class="outputs"><pre>43</pre></div>
<h2>7. Going deeper: more</h2><p>Rest.</p><h3>Small</h3>
<p><strong>Predict, then run</strong> (a minute): what?</p>
<div class="cell">defines</div>
<div class="cell">code</div><div class="outputs"><pre>44</pre></div><p>That gives:</p>
<h2>Recap</h2><ul><li>a</li></ul><h2>Quiz</h2><p>What?</p>"""


@pytest.fixture
def marked():
    page = tidy.tree(CELLS)
    callouts.mark(page)
    return page


def test_only_what_answers_a_question_waits_for_a_click(marked):
    answers = [answer.get_text() for answer in marked.select("details.answer")]
    assert answers == [f"{callouts.ANSWER}42It is 42.", f"{callouts.ANSWER}44"]
    assert [question.name for question in marked.select(".predict")] == ["blockquote", "p"]
    assert [mistake.get_text() for mistake in marked.select(".mistake")] == [
        "A common mistake: 41. One says so."
    ]


def test_an_optional_section_is_folded_below_its_heading_and_the_recap_framed(marked):
    (deeper,) = marked.select("details.deeper")
    assert deeper.find_previous_sibling("h2").get_text() == "7. Going deeper: more"
    assert "Rest." in deeper.get_text() and "44" in deeper.get_text() and not deeper.find("h2")
    assert [one.get_text() for one in marked.select(".recap")] == ["a"]
    added = [summary.get_text() for summary in marked.select("summary")]
    assert len(marked.get_text()) == len(tidy.tree(CELLS).get_text()) + len("".join(added))


def test_the_contents_mark_optional_sections():
    page = pages.page("README.md", "The course")
    frame = build.in_frame("", page, [page], [("a", "1. A"), ("b", "2. Going deeper: B")])
    assert re.findall(r'<li( class="optional")?><a href="#(\w)"', frame) == [
        ("", "a"),
        (' class="optional"', "b"),
    ]


@pytest.mark.parametrize("address", PAGES)
def test_no_formula_is_left_as_its_source(seen, address):
    source = r"\\(frac|sqrt|text|sum|begin)\b|\$[^$\n]*[\\^_][^$\n]*\$"
    assert not re.search(source, seen[address].text)


def test_a_formula_that_cannot_be_shown_is_named_and_the_old_pages_stay(tmp_path, monkeypatch):
    folders.write_folder(tmp_path / "pages", lambda new: (new / "index.html").write_text("before"))
    broken = r"\nosuch{x}"
    monkeypatch.setattr(prose, "html_of", lambda text: prose.mathml(broken, block=True))
    with pytest.raises(
        project.Trouble, match=r"(?s)cannot be shown: .nosuch\{x\}.*Unknown command"
    ):
        build.build(tmp_path / "pages")
    assert (tmp_path / "pages" / "index.html").read_text(encoding="utf8") == "before"


def test_a_diagram_that_was_changed_must_be_drawn_anew(tmp_path, monkeypatch):
    source = "flowchart TB\n    LM --> SFT\n"
    name = diagrams.name_of(source)
    (tmp_path / f"{name}.svg").write_text("<svg/>", encoding="utf8")
    (tmp_path / "words.toml").write_text(f'{name} = "LM leads to SFT."', encoding="utf8")
    monkeypatch.setattr(diagrams, "FOLDER", tmp_path)
    assert diagrams.drawing_of(source) == (f"{name}.svg", "LM leads to SFT.")
    with pytest.raises(project.Trouble, match="no drawing or no words: it begins 'flowchart"):
        diagrams.drawing_of(source + "    SFT --> NEW\n")


def test_headings_that_skip_a_level_are_closed_up():
    page = tidy.tree("<h1>a</h1><h3>b</h3><h4>c</h4><h3>b</h3><h2>d</h2><h3>e</h3>")
    tidy.name_headings(page)
    assert [tag.name for tag in page.find_all()] == ["h1", "h2", "h3", "h2", "h2", "h3"]
    assert [tag["id"] for tag in page.find_all()] == ["a", "b", "c", "b-1", "d", "e"]


def test_links_are_led_to_pages_to_headings_and_to_the_repository():
    links = [
        "b.ipynb#2.-Four-counts",
        "b.ipynb#2-four-counts",
        "#Up",
        "more",
        "c.csv",
        "https://e.org/#A",
    ]
    page = tidy.tree("".join(f'<a href="{link}"></a>' for link in links))
    addresses = {"n/a.ipynb": "n/a.html", "n/b.ipynb": "n/b.html", "n/more/x.md": "n/more/x.html"}
    tidy.lead_links(page, "n/a.ipynb", addresses, "https://h.org/files")
    led = [link["href"] for link in page.find_all("a")]
    assert led[:4] == ["b.html#2-four-counts", "b.html#2-four-counts", "#up", "more/x.html"]
    assert led[4:] == ["https://h.org/files/n/c.csv", "https://e.org/#A"]
    assert tidy.slug("2. Four counts") == "2-four-counts"


def test_the_search_leads_to_an_anchor_in_its_page(seen, site):
    script = (site / "static" / "search-index.js").read_text("utf8")
    index = json.loads(script.removeprefix("const INDEX = ").removesuffix(";\n"))
    for _, address, sections in index:
        for heading, anchor, _ in sections:
            assert (anchor or build.usual_anchor(heading)) in seen[address].ids, heading


def test_the_search_knows_every_page(site):
    script = (site / "static" / "search-index.js").read_text("utf8")
    index = json.loads(script.removeprefix("const INDEX = ").removesuffix(";\n"))
    assert {address for _, address, _ in index} == set(PAGES) - {"search.html"}
    texts = [text for _, _, sections in index for _, _, text in sections]
    left_out = [not anchor for _, _, sections in index for _, anchor, _ in sections]
    assert 0.5 < sum(left_out) / len(left_out) < 1
    assert any("calibration" in text for text in texts)
    assert not any(re.search(r"\\frac|<span", text) for text in texts)


def test_the_search_leaves_out_cells_that_hold_figures_alone():
    cells = ["1.02 (0.93 to 1.10)", "-5 %", "2,048", "bf16", "to", "…", "day 3"]
    table = "".join(f"<td>{cell}</td>\n" for cell in cells)
    page = tidy.tree(f'<h1 id="a">A</h1><p>12 of 15</p><table><tr>{table}</tr></table>')
    assert [*tidy.sections(page)] == [("a", "A", "12 of 15 bf16 to … day 3")]


# ---------------------------------------------------------------- colours, licences


@pytest.mark.parametrize("dark", [False, True])
def test_code_has_contrast_in_light_and_in_dark(dark):
    palette = {name: pair[dark] for name, pair in palette_of_style_sheet().items()}
    for kind, colour in colours.token_colours(colours.DARK if dark else colours.LIGHT).items():
        assert colours.contrast(colour, palette["block"]) >= ENOUGH, kind
    for name in ("ink", "quiet", "link", "warn"):
        for ground in ("paper", "block"):
            assert colours.contrast(palette[name], palette[ground]) >= ENOUGH, (name, ground)
    assert colours.contrast(palette["ink"], palette["mark"]) >= ENOUGH


def palette_of_style_sheet() -> dict[str, tuple[str, str]]:
    """Name of a colour -> (on light, on dark)."""
    style = (build.HERE / "static" / "style.css").read_text("utf8")
    found = re.findall(r"--(\w+): light-dark\((#\w{6}), (#\w{6})\)", style)
    return {name: (light, dark) for name, light, dark in found}


def test_contrast_is_that_of_the_guideline():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


def test_each_licence_is_stated_as_where_the_data_come_from():
    text = (project.ROOT / "data" / "licences.md").read_text("utf8")
    rows = {row.split("|")[1].strip(): row for row in text.splitlines() if row.startswith("| `")}
    for name, source in project.sources().items():
        assert f"| {source['licence']} |" in rows[f"`{name}`"]


def test_what_is_passed_on_is_what_the_licence_page_names(site):
    text = (project.ROOT / "data" / "licences.md").read_text("utf8")
    font = site / "static" / "fonts" / "stix-two-math.woff2"
    assert hashlib.sha256(font.read_bytes()).hexdigest() in text
    assert "SIL OPEN FONT LICENSE" in (font.parent / "LICENSE.txt").read_text("utf8")
    kinds = {path.suffix for path in site.rglob("*") if path.is_file()}
    kinds.remove(".json")  # the manifest, by which the next build knows what it may replace
    assert kinds == {".html", ".css", ".js", ".png", ".ipynb", ".woff2", ".txt"}


def test_the_drawings_hold_no_script_and_no_address():
    for path in diagrams.FOLDER.glob("*.svg"):
        drawn = path.read_text("utf8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"<script|https?:|href=", drawn), path.name
    words = tomllib.loads((diagrams.FOLDER / "words.toml").read_text("utf8"))
    assert set(words) == {path.stem for path in diagrams.FOLDER.glob("*.svg")}


def test_no_page_has_a_box_that_nobody_can_tick(site):
    guide = (site / "docs" / "teaching" / "guide.html").read_text(encoding="utf8")
    assert guide.count("☐") >= 5
    assert not [
        page for page in site.rglob("*.html") if 'type="checkbox"' in page.read_text("utf8")
    ]
