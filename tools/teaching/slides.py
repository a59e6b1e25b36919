"""Slides from the notebooks, for a projector: one HTML file each, no network, no other files.

    python3 tasks.py slides [NN ...]      writes outputs/slides/NN_name.html and index.html

Nothing is kept by hand. The second slide is a list of the sections, to jump from (key: c). A
section's heading and first words make a slide; a **Predict, then run**
makes two, the question with its code and then the output with the sentence that reads it; a drawing
or a figure makes one, a formula or a table makes one, each quiz question makes two; recap and
exercises one. What a notebook calls *Going deeper* comes last, behind a slide that says so.
"""

import base64
import html
import re
import string
import sys
from pathlib import Path

import mistune

from helpers import files
from tools import notebook_file, pictures, project
from tools.notebook_sections import OPENING, PREDICT, read, sections, slug
from tools.site.prose import mathml

TEMPLATE = Path(__file__).with_name("slides.html")
TARGET = project.OUTPUTS / "slides"
WORDS = 75  # of running text on a slide
LINES = 16  # of code or output
DEEPER = "Going deeper: "  # begins a section that can be skipped
WIDGET = '<iframe class="sft-widget"'
VIEW_BOX = re.compile(r'viewBox="\S+ \S+ (\S+) (\S+)"')
QUESTION = re.compile(PREDICT.pattern + r"|\*\*(?:A common mistake|A mistake you will meet)")


class Renderer(mistune.HTMLRenderer):
    """Markdown to HTML with formulas as MathML, and without links to files of the course."""

    def block_math(self, text: str) -> str:
        """A formula on a line of its own."""
        return f"<div class=formula>{mathml(text, block=True)}</div>\n"

    def inline_math(self, text: str) -> str:
        """A formula in a sentence."""
        return mathml(text, block=False)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Addresses of the web stay; files of the course are not beside the slides."""
        return super().link(text, url, title) if url.startswith("http") else text

    def block_code(self, code: str, info: str | None = None) -> str:
        """Code as it is; a mermaid map, which needs a script, is said in words beside it."""
        return "" if info == "mermaid" else super().block_code(code, info)


RENDER = mistune.create_markdown(renderer=Renderer(escape=False), plugins=["table", "math"])


def blocks(text: str) -> list[str]:
    """The paragraphs, lists, tables, formulas and fences of a Markdown text."""
    found = re.findall(r"```.*?```|\$\$.*?\$\$|(?:(?!```|\$\$)[^\n]+\n?)+", text, re.DOTALL)
    return [block.strip("\n") for block in found]


def first_words(text: str, words: int = WORDS) -> str:
    """The first blocks of a text, as many as fit, and at least one."""
    chosen: list[str] = []
    for block in blocks(text):
        if chosen and len(" ".join([*chosen, block]).split()) > words:
            break
        chosen.append(block)
    return "\n\n".join(chosen)


def source(cell: dict) -> str:
    """The text of a cell."""
    return notebook_file.joined(cell["source"])


def is_code(cell: dict) -> bool:
    """Whether a cell is code."""
    return cell["cell_type"] == "code"


def shortened(text: str) -> str:
    """The first lines of a long text."""
    lines = text.rstrip().splitlines()
    return "\n".join(lines[:LINES] + (["…"] if len(lines) > LINES else []))


def code(cell: dict) -> str:
    """A code cell's text, for the reader who is to guess what it gives."""
    return f"<pre class=code>{html.escape(shortened(source(cell)))}</pre>"


def draws(cell: dict) -> bool:
    """Whether a code cell left a picture, or a figure to be moved by hand."""
    return any(pictures.kind(output) or widget(output) for output in cell["outputs"])


def widget(output: dict) -> str:
    """The page of a figure to be moved by hand, which needs nothing else; "" for other outputs."""
    page = notebook_file.joined(output.get("data", {}).get("text/html", ""))
    return page if WIDGET in page else ""


def picture(output: dict) -> str:
    """A picture inside the page: as a file of its own, so that no two share the names of parts."""
    kind, data = pictures.kind(output), pictures.data(output)
    tall = ""
    if kind == pictures.SVG:
        width, height = map(float, VIEW_BOX.search(data).groups())
        tall = " class=tall" * (height > width)
        data = base64.b64encode(pictures.for_light_pages(data).encode("utf8")).decode()
    words = html.escape(pictures.words(output), quote=True)
    return f'<img{tall} src="data:{kind};base64,{data}" alt="{words}">'.replace("\n", "")


def outputs(cell: dict) -> str:
    """What a code cell printed, drew or complained of; a figure to be moved by hand as it is."""
    shown = ""
    for output in cell["outputs"]:
        data = output.get("data", {})
        if pictures.kind(output):
            shown += picture(output)
            continue
        if widget(output):
            shown += widget(output)
            continue
        text = notebook_file.joined(output.get("text", data.get("text/plain", "")))
        if output["output_type"] == "error":
            text = f"{output['ename']}: {output['evalue']}"
        shown += f"<pre class=output>{html.escape(shortened(text))}</pre>"
    return shown


def slide(title: str, *parts: str) -> str:
    """One slide."""
    return f"<section>{RENDER('## ' + title)}{''.join(parts)}</section>"


def of_section(title: str, cells: list[dict]) -> list[str]:
    """The slides of a section: its beginning, then questions, figures, formulas and tables."""
    text = re.sub(r"\A## .+\n*", "", source(cells[0]))
    begun = first_words(text)
    leads_to = outputs(cells[1]) if begun.endswith(":") and cells[1:] and is_code(cells[1]) else ""
    made = [] if QUESTION.search(text) else [slide(title, RENDER(begun), leads_to)]
    rest = [dict(cells[0], source=text), *cells[1:]]
    for at, cell in enumerate(rest):
        if is_code(cell):
            asked = at and QUESTION.search(source(rest[at - 1]))
            if draws(cell) and not asked and not (at == 1 and leads_to):
                made.append(slide(title, outputs(cell), RENDER(reading(rest, at))))
            continue
        if QUESTION.search(source(cell)):
            made += question(title, rest, at)
        else:
            begun = read_before(rest, at) if at else first_words(source(cell))
            made += [slide(title, RENDER(part)) for part in set_apart(source(cell), begun)]
    return made


def read_before(cells: list[dict], at: int) -> str:
    """What of a text is on the slide of the code cell before it; "" if that has none."""
    before = at - 1
    asked = before and QUESTION.search(source(cells[before - 1]))
    if is_code(cells[before]) and (asked or draws(cells[before])):
        return reading(cells, before)
    return ""


def question(title: str, cells: list[dict], at: int) -> list[str]:
    """Two slides: what is asked, with the code; then what came out, and how to read it."""
    asked = [block for block in blocks(source(cells[at])) if QUESTION.search(block)][-1]
    follows = next((n for n in range(at + 1, len(cells)) if cells[n].get("outputs")), None)
    if follows is None:
        return [slide(title, f"<div class=ask>{RENDER(asked)}</div>")]
    return [
        slide(title, f"<div class=ask>{RENDER(asked)}</div>", code(cells[follows])),
        slide(title, outputs(cells[follows]), RENDER(reading(cells, follows))),
    ]


def reading(cells: list[dict], at: int) -> str:
    """The paragraph after a cell that reads its output, and the formula to which it leads.

    None beside a figure to be moved by hand.
    """
    if any(map(widget, cells[at]["outputs"])):
        return ""  # it needs the whole slide
    after = [cell for cell in cells[at + 1 : at + 4] if cell["cell_type"] == "markdown"]
    texts = [b for b in blocks(source(after[0])) if not QUESTION.search(b)] if after else []
    leads_to_formula = texts[1:] and texts[1].startswith("$$")
    return "\n\n".join(texts[: 2 if leads_to_formula else 1])


def set_apart(text: str, begun: str) -> list[str]:
    """The formulas and tables of a text, each with the paragraph before it.

    Args:
        begun: what of the text is on a slide already.
    """
    found, parts = [], blocks(text)
    for at, part in enumerate(parts):
        stands_apart = part.lstrip().startswith("|") or "$$" in part
        if stands_apart and part not in begun:
            before = parts[at - 1] if at and len(parts[at - 1].split()) <= WORDS else ""
            found.append(f"{before}\n\n{part}" if before else part)
    return found


def of_quiz(text: str) -> list[str]:
    """Two slides a question: the choices, then the answer with its reasons."""
    made = []
    for part in re.split(r"(?m)^(?=\*\*\d\.)", text)[1:]:
        asked, _, answer = part.partition("<details>")
        answer = re.sub(r"<summary>.*?</summary>|</?details>", "", answer)
        made.append(slide("Quiz", RENDER(asked)))
        made.append(slide("Quiz: the answer", RENDER(asked.splitlines()[0]), RENDER(answer)))
    return made


def of_exercises(text: str) -> list[str]:
    """One slide with all exercises, by title and first sentence."""
    found = re.findall(r"(?m)^### (Exercise .+)\n+(.+)", text)
    first_sentence = re.compile(r"(?<=[.:?])\s")
    lines = [f"**{title}** {first_sentence.split(first)[0]}" for title, first in found]
    return [slide("Exercises", RENDER("\n\n".join(lines)))] if lines else []


def contents(names: list[str]) -> str:
    """The list of sections; each leads to the section's first slide."""
    shown = {slug(name): re.sub(r"</?h2>", "", RENDER(f"## {name}")) for name in names}
    lines = "".join(f'<li><a href="#{target}">{text}</a></li>' for target, text in shown.items())
    return slide("Sections", f"<ul class=contents>{lines}</ul>")


def named(made: list[str], name: str) -> list[str]:
    """The same slides, the first of them as the target of a link to the section."""
    return [made[0].replace("<section>", f'<section id="{slug(name)}">', 1), *made[1:]]


def of_part(name: str, cells: list[dict]) -> list[str]:
    """The slides of a section, whatever it is; none of its exercises, which come together."""
    text = "\n\n".join(source(cell) for cell in cells if cell["cell_type"] == "markdown")
    plain = plain_name(name)
    if plain == "Recap":
        return [slide("Recap", RENDER(text.partition("\n")[2]))]
    if plain == "Quiz":
        return of_quiz(text.partition("### Exercise")[0])
    return [] if plain in (OPENING, "Exercises") else of_section(name, cells)


def plain_name(name: str) -> str:
    """A section's name without its number."""
    return re.sub(r"^\d+\. ", "", name)


def of_notebook(notebook: dict) -> list[str]:
    """All slides of a notebook, in its order; optional sections at the end."""
    parts = sections(notebook)
    opening = source(notebook["cells"][0])
    title = re.match(r"# (.+)", opening)[1]
    lines = [b for b in blocks(opening.partition("\n**Time")[0])[1:] if "colab-badge" not in b]
    texts = [source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    parted = {name: of_part(name, cells) for name, cells in parts.items()}
    last = next((name for name in parts if plain_name(name) == "Exercises"), "Exercises")
    parted[last] = of_exercises("\n\n".join(texts))
    parted = {name: named(made, name) for name, made in parted.items() if made}
    optional = [name for name in parted if plain_name(name).startswith(DEEPER)]
    order = [name for name in parted if name not in optional] + optional
    made = {name: parted[name] for name in order}
    if optional:
        words = RENDER("What follows can be skipped: no later section needs it.")
        made[optional[0]] = [slide("Going deeper", words), *made[optional[0]]]
    first = slide(title, RENDER("\n\n".join(lines)))
    return [first, contents(order), *(one for slides in made.values() for one in slides)]


def page(title: str, made: list[str]) -> str:
    """The HTML file."""
    template = string.Template(TEMPLATE.read_text(encoding="utf8"))
    return template.substitute(title=html.escape(title), slides="\n".join(made))


def write(path: Path, text: str) -> None:
    """Write a page, unless somebody else's has its name, or somebody changed the one there."""
    with files.replacing(path) as file:
        file.write(text)


def main(paths: list[Path]) -> None:
    """Write the slides of these notebooks, and a list of all that are there."""
    for path in paths:
        if path.resolve().parent == project.NOTEBOOKS:
            made = of_notebook(read(path))
            write(TARGET / f"{path.stem}.html", page(path.stem, made))
            print(f"{path.stem}: {len(made)} slides")
    there = sorted(TARGET.glob("[0-9][0-9]_*.html"))
    links = "".join(f'<p><a href="{path.name}">{path.stem}</a></p>' for path in there)
    write(TARGET / "index.html", page("Slides", [slide("Slides", links)]))
    print(f"Open {TARGET / 'index.html'} in a browser; arrow keys turn the pages.")


if __name__ == "__main__":
    try:
        main([Path(argument) for argument in sys.argv[1:]])
    except files.ForeignError as error:
        sys.exit(str(error))
