"""README and the pages beside it say what is there: links, commands, limits, versions."""

import json
import re

import nbformat
import pytest

from helpers import measured
from tests.conftest import COURSE, load
from tools import environment, project
from tools.experiments import one_change_at_a_time, readme_picture
from tools.teaching import times

PAGES = sorted([*project.ROOT.glob("*.md"), *(project.ROOT / "data").glob("*.md")])
PAGES += sorted((project.ROOT / "docs").rglob("*.md"))
README = (project.ROOT / "README.md").read_text(encoding="utf8")
VERIFIED = (project.ROOT / "docs" / "verified.md").read_text(encoding="utf8")


def headings(text: str) -> set[str]:
    """The anchors that a code host makes of a page's headings."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_of_a_page_lead_somewhere(path):
    text = path.read_text(encoding="utf8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        place, _, anchor = target.partition("#")
        goal = (path.parent / place).resolve() if place else path
        assert goal.exists(), target
        if anchor and goal.suffix == ".md":  # those of notebooks: test_workshop, test_notebooks
            assert anchor in headings(goal.read_text(encoding="utf8")), target


def test_the_pages_are_there():
    names = ["README.md", "LICENSE", "LICENSE-TEXT.md", "CITATION.cff", "CONTRIBUTING.md"]
    names += ["docs/glossary.md", "docs/references.md", "data/README.md"]
    names += [f"data/{name}.md" for name in project.sources()]
    assert [name for name in names if not (project.ROOT / name).is_file()] == []


def test_the_readme_is_one_screen_and_its_map_lists_every_notebook():
    assert len(README.encode("utf8")) <= 8 * 1024
    rows = re.findall(r"^\| (\d\d) \| \[[^]]+\]\(notebooks/(\S+)\.ipynb\) \|", README, re.MULTILINE)
    assert rows == [(path.stem[:2], path.stem) for path in COURSE]


def test_the_times_of_the_readme_are_those_of_the_notebooks():
    assert times.with_times(README) == README


def test_the_times_in_a_notebook_are_its_own(course):
    stored = course.read_text(encoding="utf8")
    assert stored == times.timed(course), f"python -m tools.teaching.times {course.stem[:2]}"


def notebook(tmp_path, *texts: str):
    """A file with these cells: those that begin with `x` are code."""
    path = tmp_path / "04_fine_tuning_loop.ipynb"
    new = {True: nbformat.v4.new_code_cell, False: nbformat.v4.new_markdown_cell}
    cells = [new[text.startswith("x")](text) for text in texts]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.mark.parametrize("mark", ["", "> "])
def test_reading_takes_as_long_as_its_words_lines_and_guesses(tmp_path, mark):
    """230 words, 12 lines and two guesses are 1 + 1 + 3 minutes; a word more is the next five."""
    guesses = f"{mark}**Predict, then run:** why?\n\n" * 2
    for words, reading in ((230, 5), (240, 10)):
        path = notebook(tmp_path, guesses + "word " * (words - 8), "x\n" * 12)
        assert times.times(path).reading == reading


def test_exercises_and_going_deeper_are_not_in_the_reading_of_the_core(tmp_path):
    long = "word " * 2300  # ten minutes
    exercise = ["### Exercise 1 (7 minutes)\n" + long, "x\n" * 120]
    core = ["# A\n**Time:** of these words nothing is counted. " + long, "## 1. B\nTwo words."]
    deeper = ["## 2. Going deeper: C\n" + long, "## 3. D\nTwo words."]
    found = times.times(notebook(tmp_path, *core, *deeper, "## Exercises", *exercise, "## Recap"))
    assert found == times.Times(5, 15, 7, 8)
    short = [*core, "## 2. Going deeper: C\nTwo words.", "## Recap"]
    assert times.times(notebook(tmp_path, *short)) == times.Times(5, 1, 0, 8)


def test_a_notebooks_line_is_kept_in_step_and_what_follows_it_stays(tmp_path):
    path = notebook(tmp_path, "# A\n\n**Time:** an hour, they say. · [05 →](05.ipynb)\n\nText")
    first = "".join(json.loads(times.timed(path))["cells"][0]["source"])
    said = (
        "**Time (estimates):** 5 minutes to read and run; computing should take at most 8 minutes"
    )
    assert first == f"# A\n\n{said} on two cores. · [05 →](05.ipynb)\n\nText"
    path = notebook(
        tmp_path, first.replace(" 5 min", " 6 min").replace(" ·", " More without 04. ·")
    )
    again = "".join(json.loads(times.timed(path))["cells"][0]["source"])
    assert again == first.replace(" ·", " More without 04. ·")
    with pytest.raises(project.Trouble, match=r"04_fine_tuning_loop.*\*\*Time"):
        times.timed(notebook(tmp_path, "# A"))


def test_the_sample_in_the_readme_is_a_cell_of_the_first_notebook():
    code, output = re.search(r"```python\n(.*?)```\n```\n(.*?)```", README, re.DOTALL).groups()
    cells = [cell for cell in load(COURSE[0])["cells"] if cell["cell_type"] == "code"]
    (found,) = (cell for cell in cells if "".join(cell["source"]) == code.rstrip("\n"))
    printed = ["".join(out["text"]) for out in found["outputs"] if out["output_type"] == "stream"]
    assert printed == [output]


def test_the_picture_and_the_findings_of_the_readme_are_measured():
    words = " ".join(README.split())
    shares = readme_picture.shares()
    for name, share in shares.items():
        said = f"{share:.0%}" if name == "guessing" else f"{share:.1%}"
        assert f"{said.replace('%', ' %')} by" in words, name
    runs = 100 * measured.table("cross_validation").query("model == 'fine-tuned'")["accuracy"]
    said = f"run {len(runs)} times with other splits and other random numbers, scored between"
    assert f"{said} {runs.min():.1f} and {runs.max():.1f} %" in words
    rows = measured.table("one_change_at_a_time")
    amx = rows[rows["processor"].str.contains("amx")]
    speed = amx.pivot(index="round", columns="line", values="samples_per_second")
    names = list(one_change_at_a_time.ladder())
    whole = (speed[names[-1]] / speed[names[0]]).median()
    assert f"became {whole:.1f} times as fast" in words
    gains = one_change_at_a_time.gains(amx).groupby("line")["gain"].median()
    assert gains.idxmax() == "padded to the longest"


def test_the_readme_says_how_much_the_set_up_takes():
    """As `lab` says beforehand, for torch without CUDA; the guide multiplies the same number."""
    fetched = sum(source["bytes"] for source in project.sources().values()) / 1e6
    total = environment.WHEELS_MB + environment.TORCH_MB["cpu"] + fetched
    disk = environment.DISK_MB["cpu"] / 1000
    assert f"about {round(total, -1):.0f} MB to download, {disk} GB on disk" in README
    guide = (project.ROOT / "docs" / "teaching" / "guide.md").read_text(encoding="utf8")
    assert f"Thirty times {round(total, -1):.0f} MB" in guide


def test_the_table_of_sources_adds_up():
    """What `data/README.md` says is fetched, by source and together."""
    text = (project.ROOT / "data" / "README.md").read_text(encoding="utf8")
    for name, source in project.sources().items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"| {source['bytes'] / 1e6:.1f} MB |" in row, name
        assert f"`{source['package']}` {source['version']}" in row, name
    fetched = sum(source["bytes"] for source in project.sources().values()) / 1e6
    assert f"Together {fetched:.1f} MB are fetched" in text


def test_versions_on_the_pages_are_those_that_are_installed():
    for constraints in ("requirements/constraints.txt", "requirements/lowest.txt"):
        pinned = dict(
            line.split("==")
            for line in (project.ROOT / constraints).read_text(encoding="utf8").splitlines()
            if "==" in line
        )
        row = next(line for line in VERIFIED.splitlines() if f"[{constraints}]" in line)
        said = re.findall(r"(torch|transformers|datasets|numpy|pandas) (\d[\d.]*)", row)
        assert said
        for package, version in said:
            assert pinned[package] == version, (constraints, package)


def test_the_citation_names_this_version_and_address():
    facts = project.project()["project"]
    text = (project.ROOT / "CITATION.cff").read_text(encoding="utf8")
    assert f"\nversion: {facts['version']}\n" in text
    assert facts["urls"]["Repository"] in text


def test_no_number_is_left_open():
    for path in PAGES:
        assert "@@" not in path.read_text(encoding="utf8"), path.name


def test_every_link_of_the_glossary_names_a_notebook():
    text = (project.ROOT / "docs/glossary.md").read_text(encoding="utf8")
    linked = set(re.findall(r"notebooks/(\w+)\.ipynb", text))
    assert linked == {path.stem for path in COURSE}
