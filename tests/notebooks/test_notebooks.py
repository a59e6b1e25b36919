"""How a stored notebook must look; that its outputs are true is what nbval tests."""

import ast
import builtins
import re
import statistics
from pathlib import Path

import nbformat
import pytest

from helpers import plots
from tests.conftest import COURSE, as_python, load
from tests.notebooks.claims import claims_of
from tools import notebook_file, pictures, project, setup_cell

REPOSITORY = project.project()["project"]["urls"]["Repository"]
VERSION = "v" + project.project()["project"]["version"]
TRAINS = project.project()["tool"]["course"]["trains"]
TAGS = {
    "setup",
    "defines",
    "raises-exception",
    "nbval-ignore-output",
    "control-skip",
    "measured",
}
# Paths of a machine, addresses in its memory, and warnings nobody asked for.
UNWANTED = re.compile(r"/(home|root|tmp|Users|work)/|[A-Z]:\\\\|\bat 0x[0-9a-f]{6,}|\w+Warning:")


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def markdown(notebook: dict) -> str:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    return "\n\n".join(notebook_file.joined(cell["source"]) for cell in cells)


def source(cell: dict) -> str:
    return notebook_file.joined(cell["source"])


def tags(cell: dict) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def exercises(notebook: dict) -> dict[str, tuple[str, str]]:
    """Text and code of each exercise: its number -> (markdown cell, code cell that follows)."""
    found = {}
    for cell, following in zip(notebook["cells"], notebook["cells"][1:], strict=False):
        heading = re.match(r"### Exercise (\d+) \(\d+ minutes?\)\n", source(cell))
        if heading:
            found[heading[1]] = (source(cell), source(following))
    return found


def first_steps(path: Path) -> bool:
    """Whether this is one of 00 to 04, which a reader without any knowledge of the field reads."""
    return path.stem[:2] <= "04"


def solutions_of(path: Path) -> Path:
    return path.parent / "solutions" / f"{path.name[:2]}_solutions.ipynb"


# ---------------------------------------------------------------- every notebook


def test_the_format_is_valid(every):
    nbformat.validate(load(every))


def test_the_stored_file_is_what_refresh_would_write(every):
    """Counts 1 to n, no widget, no time, one form of everything."""
    assert every.read_bytes() == notebook_file.as_text(notebook_file.cleaned(load(every))).encode(
        "utf8"
    )


def test_it_is_small_enough_for_any_viewer(every):
    assert every.stat().st_size < 1_000_000


def test_every_cell_was_run(every):
    """A cell that prints, shows or raises has its output stored."""
    for cell in code_cells(load(every)):
        assert source(cell).strip()
        errors = [o for o in cell["outputs"] if o["output_type"] == "error"]
        if "raises-exception" in tags(cell):
            assert errors, f"{cell['id']} is marked as failing, and does not"
        else:
            assert not errors, f"{cell['id']} failed"
        if re.search(
            r"^(print|exercises\.check|plots\.show|plots\.drawing)\(", source(cell), re.MULTILINE
        ):
            assert cell["outputs"], f"{cell['id']} was not run"


def test_no_machine_shows_in_the_outputs(every):
    for cell in code_cells(load(every)):
        for output in cell["outputs"]:
            data = output.get("data", {})
            text = notebook_file.joined(output.get("text", "")) + output.get("evalue", "")
            text += "".join(
                notebook_file.joined(data[mime]) for mime in data if mime.startswith("text/")
            )
            text += "\n".join(output.get("traceback", []))
            assert not UNWANTED.search(notebook_file.ANSI.sub("", text)), (
                f"{cell['id']}: {text[:300]}"
            )


def test_tags_are_known(every):
    for cell in load(every)["cells"]:
        assert tags(cell) <= TAGS, cell["id"]


def test_the_setup_cell_is_the_one_that_its_program_writes(every):
    cells = [source(cell) for cell in code_cells(load(every)) if "setup" in tags(cell)]
    assert cells == [setup_cell.text()], f"python -m tools.setup_cell {every.name[:2]}"


def test_the_badge_opens_this_notebook_at_this_version(every):
    place = every.relative_to(project.ROOT).as_posix()
    slug = REPOSITORY.removeprefix("https://github.com/")
    address = f"https://colab.research.google.com/github/{slug}/blob/{VERSION}/{place}"
    pattern = r"https://colab\.research\.google\.com/github/[^)\s]+"
    badges = re.findall(pattern, markdown(load(every)))
    assert set(badges) <= {address}
    assert badges or every not in COURSE


def test_links_lead_somewhere(every):
    for target in re.findall(r"\]\(([^)\s]+)\)", markdown(load(every))):
        path, _, anchor = target.partition("#")
        if path.startswith(("http:", "https:", "mailto:")):
            continue
        goal = (every.parent / path).resolve() if path else every
        assert goal.exists(), target
        if anchor and goal.suffix == ".ipynb":
            headings = re.findall(r"^#+ (.+)$", markdown(load(goal)), re.MULTILINE)
            assert anchor in [heading.strip().replace(" ", "-") for heading in headings], target


def test_few_outputs_are_exempt_from_comparison_and_each_says_why(every):
    cells = code_cells(load(every))
    with_output = [cell for cell in cells if cell["outputs"]]
    exempt = [cell for cell in cells if "nbval-ignore-output" in tags(cell)]
    assert len(exempt) <= max(1, 0.15 * len(with_output))
    for cell in exempt:
        assert cell["metadata"].get("reason"), cell["id"]
        near = cells[cells.index(cell) : cells.index(cell) + 2]
        held = {holds.cell for holds in claims_of(every.stem)}
        asserts = re.search(r"^ *assert ", source(near[-1]), re.MULTILINE)
        assert asserts or held & {one["id"] for one in near}, cell["id"]


def test_no_cell_of_text_is_a_mere_placeholder(every):
    """A text that was to be filled in later, such as {S2}, once came to the end of the work."""
    texts = [source(cell) for cell in load(every)["cells"] if cell["cell_type"] == "markdown"]
    assert [text for text in texts if len(text.split()) < 2] == []


def test_figures_carry_their_words(every):
    for output in pictures.all_of(load(every)):
        words = notebook_file.joined(output["data"]["text/plain"])
        assert len(words) >= 20 and words == pictures.words(output), words


# A text that matplotlib drew: where it begins, the size of its letters, and the letters.
DRAWN = re.compile(
    r'<!-- (?P<said>[^\n]*) -->\s*<g[^>]*"translate\((?P<x>[-\d.]+) [-\d.]+\) '
    r'scale\((?P<size>[\d.]+) [-\d.]+\)"[^>]*>(?P<letters>.*?)</g>',
    re.DOTALL,
)
LETTER = 55  # of width at most, in units of `size`; letters are placed in the same units


def cut_off(svg: str) -> list[str]:
    """The texts of a picture that begin or end outside of it."""
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    found = []
    for text in DRAWN.finditer(svg):
        places = re.findall(r'<use[^>]*"translate\(([\d.]+)', text["letters"])
        begin = float(text["x"])
        end = begin + float(text["size"]) * (max(map(float, places), default=0) + LETTER)
        if begin < -1 or end > width + 1:
            found.append(text["said"])
    return found


def test_no_title_or_label_runs_out_of_its_picture(every):
    for output in pictures.all_of(load(every)):
        if "matplotlib" in (svg := pictures.data(output)):
            assert not cut_off(svg)


def test_a_title_that_runs_out_of_its_picture_is_found():
    figure, axes = plots.new(3, 2)
    axes.set_title("right")
    assert not cut_off(plots.svg(figure))
    axes.set_title("a title that is far too long for a picture of three inches")
    assert cut_off(plots.svg(figure)) == [axes.get_title()]


# ---------------------------------------------------------------- the notebooks of the series


def test_there_is_more_text_than_code(course):
    notebook = load(course)
    assert len(notebook["cells"]) - len(code_cells(notebook)) >= 1.2 * len(code_cells(notebook))


def test_at_most_two_code_cells_in_a_row(course):
    cells = [cell for cell in load(course)["cells"] if "setup" not in tags(cell)]
    assert "ccc" not in "".join(cell["cell_type"][0] for cell in cells)


def test_code_cells_are_short(course):
    cells = [cell for cell in code_cells(load(course)) if "setup" not in tags(cell)]
    lengths = {cell["id"]: len(source(cell).splitlines()) for cell in cells}
    longest, median = (15, 5) if first_steps(course) else (25, 10)
    assert not {cell: length for cell, length in lengths.items() if length > longest}
    assert statistics.median(lengths.values()) <= median
    if first_steps(course):
        long = {cell: length for cell, length in lengths.items() if length > 12}
        assert len(long) <= 0.1 * len(lengths), long


def test_what_can_be_skipped_says_so_in_one_form(course):
    """By it the plans, the times and the site tell a side path from the way."""
    headings = re.findall(r"(?mi)^#+ .*deeper.*$", markdown(load(course)))
    assert not [one for one in headings if not re.match(r"## \d+\. Going deeper: \S", one)]


def test_what_has_a_structure_is_drawn(course):
    drawn = [cell for cell in code_cells(load(course)) if "plots.drawing(" in source(cell)]
    assert drawn or not first_steps(course)


def test_few_assertions_stand_in_the_lesson(every):
    """Where an equality is the lesson. What holds the text's numbers is in `claims/`."""
    cells = [source(cell) for cell in code_cells(load(every))]
    assert len(re.findall(r"^ *assert ", "\n".join(cells), re.MULTILINE)) <= 5


def test_a_notebook_that_trains_claims_learning(course):
    learning = [holds for holds in claims_of(course.stem) if holds.learning]
    assert bool(learning) == (course.stem in TRAINS)


def test_the_quiz_explains_every_answer(course):
    text = markdown(load(course))
    quiz = re.split(r"^#+ .*[Qq]uiz.*$", text, maxsplit=1, flags=re.MULTILINE)[1]
    answers = re.findall(r"<details>\s*<summary>Answer</summary>(.*?)</details>", quiz, re.DOTALL)
    assert len(answers) == 3
    for answer in answers:
        assert all(f"({letter})" in answer for letter in "abc"), answer


def test_there_are_three_exercises_with_hint_and_check(course):
    found = exercises(load(course))
    assert sorted(found) == ["1", "2", "3"]
    for number, (text, code) in found.items():
        assert "<summary>Hint</summary>" in text
        assert "..." in code
        assert f'exercises.check("{course.name[:2]}-{number}"' in code


def test_every_exercise_has_a_solution_with_the_same_text(course):
    solved = exercises(load(solutions_of(course)))
    for number, (text, _) in exercises(load(course)).items():
        assert solved[number][0] == text
        assert f'exercises.check("{course.name[:2]}-{number}"' in solved[number][1]


def test_solutions_are_accepted_and_exercises_are_open(course):
    for path, expected in ((course, "not answered yet"), (solutions_of(course), "right")):
        outputs = [output for cell in code_cells(load(path)) for output in cell["outputs"]]
        printed = "".join(notebook_file.joined(output.get("text", "")) for output in outputs)
        said = re.findall(rf"^{course.name[:2]}-\d: (.*)$", printed, re.MULTILINE)
        assert len(said) == 3
        assert all(line.startswith(expected) for line in said)


@pytest.mark.parametrize("name", TRAINS)
def test_what_is_said_to_train_exists(name):
    assert name in [path.stem for path in COURSE]


def test_section_11_of_notebook_13_needs_only_the_settings():
    """Section 1 sends whoever has numbers straight there; `options` was once defined in between."""
    [path] = [path for path in COURSE if path.stem == "13_your_own_csv"]
    cells = load(path)["cells"]
    heads = [source(cell).partition(". ")[0] for cell in cells]
    start, end = heads.index("## 11"), heads.index("## 12")
    chosen = cells[: heads.index("## 2")] + cells[start:end]
    known = {*vars(builtins), "get_ipython"}
    for cell in chosen:
        if cell["cell_type"] != "code":
            continue
        nodes = [*ast.walk(ast.parse(as_python(cell)))]
        names = [node for node in nodes if isinstance(node, ast.Name)]
        known |= {node.id for node in names if not isinstance(node.ctx, ast.Load)}
        known |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        known |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        known |= {(a.asname or a.name).partition(".")[0] for a in nodes if isinstance(a, ast.alias)}
        assert not {node.id for node in names} - known, cell["id"]
