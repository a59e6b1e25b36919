"""What a page makes of a notebook's callouts: a look of their own, answers that wait for a click.

A question (`**Predict, then run:**`) hides the output that follows it, and the paragraph that reads
it. A section `Going deeper: …` is folded below its heading. All of it is `<details>`: it opens by
keyboard, without a script, and on paper.
"""

import re

from bs4 import BeautifulSoup, Tag

from tools.site.tidy import text_of

PREDICT, MISTAKE = re.compile(r"Predict, then run"), re.compile(r"A (common )?mistake\b")
GOING_DEEPER = re.compile(r"^(\d+\.\s)?Going deeper: ")
RECAP = re.compile(r"^(\d+\.\s)?Recap$")
ANSWER, OPTIONAL = "Show the answer", "An optional section: show it"


def mark(page: BeautifulSoup) -> None:
    """Give callouts their class, fold answers and optional sections."""
    questions = marked(page, PREDICT, "predict")
    marked(page, MISTAKE, "mistake")
    for question in questions:
        fold_answer(page, question)
    for heading in page.find_all("h2"):
        if RECAP.match(text_of(heading)):
            wrap(below(heading), page.new_tag("div", attrs={"class": "callout recap"}))
        elif GOING_DEEPER.match(text_of(heading)):
            heading["class"] = "optional"
            wrap(below(heading), folded(page, "deeper", OPTIONAL))


def marked(page: BeautifulSoup, begin: re.Pattern, name: str) -> list[Tag]:
    """The quotes or paragraphs that say such a thing in bold letters; each gets its class."""
    found = []
    for bold in page.select("p > strong"):
        if begin.match(bold.get_text()) and asks(bold):
            callout = bold.find_parent("blockquote") or bold.parent
            if callout not in found:
                callout["class"] = [*callout.get("class", []), "callout", name]
                found.append(callout)
    return found


def asks(bold: Tag) -> bool:
    """Whether bold words begin a callout: who only speaks of one writes no sign behind."""
    following = bold.next_sibling
    after = following.string or "" if following else ""
    return bold.get_text()[-1:] in ":.?" or after.startswith((" (", ":"))


def fold_answer(page: BeautifulSoup, question: Tag) -> None:
    """Fold what the cell after a question gave, and the paragraph that reads it."""
    for element in question.find_next_siblings():
        if element.name == "h2" or element.name == "h3" or "predict" in element.get("class", []):
            return
        if "outputs" in element.get("class", []) and element.find(True):
            reading = element.find_next_sibling(True)
            answer = [element, reading] if reading is not None and reads(reading) else [element]
            wrap(answer, folded(page, "answer", ANSWER))
            return


def reads(element: Tag) -> bool:
    """Whether what follows an output is a paragraph that reads it, complete in itself."""
    ends = element.get_text().rstrip().endswith(":")
    return element.name == "p" and not ends and "callout" not in element.get("class", [])


def below(heading: Tag) -> list[Tag]:
    """What stands between a heading and the next one of its level."""
    found = []
    for element in heading.find_next_siblings():
        if element.name in ("h1", "h2"):
            break
        found.append(element)
    return found


def folded(page: BeautifulSoup, kind: str, words: str) -> Tag:
    """A `<details>` without its content."""
    box = page.new_tag("details", attrs={"class": kind})
    summary = page.new_tag("summary")
    summary.string = words
    box.append(summary)
    return box


def wrap(elements: list[Tag], box: Tag) -> None:
    """Put elements that follow each other into a box."""
    if elements:
        elements[0].insert_before(box)
        box.extend(elements)
