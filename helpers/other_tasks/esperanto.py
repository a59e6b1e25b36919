"""Short sentences in English and in Esperanto: a translation task that rules can check."""

from functools import cache
from typing import NamedTuple

import numpy as np
from datasets import Dataset, DatasetDict

from helpers.other_tasks.messages import table

LEXICON = "esperanto.csv"
SIZES = {"train": 400, "validation": 60, "test": 120, "new role": 60}
# In training these are only ever who does something, never to whom it is done: the forms with -n
# that "new role" asks for were not seen.
ONLY_SUBJECTS = ["bird", "teacher", "horse", "doctor"]
MOODS = ("is", "as", "os")  # past, present, future
FEW = 0.5  # how often a noun has an adjective


class Phrase(NamedTuple):
    """A noun with what belongs to it, in both languages.

    Attributes:
        english, subject, object: the words; in Esperanto an object ends in -n.
        plural: whether it is more than one.
    """

    english: str
    subject: str
    object: str
    plural: bool


@cache
def lexicon() -> dict[str, list[dict[str, str]]]:
    """The words by kind: noun, verb, adjective, number (data/esperanto.md)."""
    rows = table(LEXICON).to_dict("records")
    return {kind: [r for r in rows if r["kind"] == kind] for kind in {r["kind"] for r in rows}}


def phrase(rng: np.random.Generator, noun: dict[str, str]) -> Phrase:
    """A noun as "the", "a" or some number of it, half of the time with an adjective.

    In Esperanto nouns and adjectives end in -j if there are several; there is no word for "a".
    """
    words = lexicon()
    plural, adjective = bool(rng.integers(2)), rng.choice(words["adjective"])
    before, vor = ("the", "la") if rng.random() < FEW else ("a", "")
    if plural and before == "a":
        number = rng.choice(words["number"])
        before, vor = number["english"], number["esperanto"]
    has_adjective = rng.random() < FEW
    names = [noun["second"] if plural else noun["english"]]
    forms = [noun["esperanto"] + "j" * plural]
    if has_adjective:
        names.insert(0, adjective["english"])
        forms.insert(0, adjective["esperanto"] + "j" * plural)
    if before == "a" and names[0][0] in "aeiou":
        before = "an"
    start = [vor] if vor else []
    return Phrase(
        " ".join([before, *names]),
        " ".join([*start, *forms]),
        " ".join([*start, *(form + "n" for form in forms)]),
        plural,
    )


def sentence(rng: np.random.Generator, role: str | None = None) -> tuple[str, str]:
    """Somebody does something to something: the English sentence and its translation.

    Args:
        role: "object" makes one of `ONLY_SUBJECTS` the object; None keeps them from it.
    """
    words = lexicon()
    kept = [noun for noun in words["noun"] if noun["english"] not in ONLY_SUBJECTS]
    others = [noun for noun in words["noun"] if noun["english"] in ONLY_SUBJECTS]
    who = phrase(rng, rng.choice(words["noun"]))
    whom = phrase(rng, rng.choice(others if role == "object" else kept))
    verb, mood = rng.choice(words["verb"]), str(rng.choice(MOODS))
    now = verb["english"] if who.plural else verb["second"]
    said = {"is": verb["third"], "as": now, "os": f"will {verb['english']}"}[mood]
    done = verb["esperanto"].removesuffix("i") + mood
    return f"{who.english} {said} {whom.english}", f"{who.subject} {done} {whom.object}"


def sentences(seed: int = 0) -> DatasetDict:
    """Four parts without a common sentence: columns `text` and `answer`.

    Every word of the other parts occurs in "train". In "new role", four nouns are objects that
    "train" and "validation" and "test" know as subjects only.
    """
    rng, seen, parts = np.random.default_rng(seed), set(), {}
    for name, size in SIZES.items():
        rows: list[tuple[str, str]] = []
        while len(rows) < size:
            row = sentence(rng, "object" if name == "new role" else None)
            if row not in seen:
                seen.add(row)
                rows.append(row)
        english, esperanto = zip(*rows, strict=True)
        parts[name] = Dataset.from_dict({"text": english, "answer": esperanto})
    return DatasetDict(parts)
