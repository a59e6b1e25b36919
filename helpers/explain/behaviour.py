"""Tests of behaviour from templates, after Ribeiro and others (2020), and sentences for a repair.

Every case knows its template. Cases of one template are alike, so what a test says about cases
that nobody wrote depends on how many templates there are, not on how many words were put in.
"""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

TOLERANCE = 0.05  # of a probability: a direction test lets so much pass


class Case(NamedTuple):
    """One case of a test.

    Attributes:
        test: the test that it belongs to.
        kind: "minimum" (the text has this label), "invariance" (the label of the other text stays),
            "up" or "down" (its probability of positive must not move the other way).
        template: which template, or which sentence, it was made of.
        text: what the model reads.
        label: of a minimum functionality test, 0 or 1; else −1.
        other: the text before the change, "" of a minimum functionality test.
    """

    test: str
    kind: str
    template: str
    text: str
    label: int = -1
    other: str = ""


NOUNS = ("film", "story", "acting", "script")
GOOD = ("good", "funny", "moving", "charming", "clever", "wonderful")
BAD = ("bad", "boring", "dull", "predictable", "clumsy", "dreadful")
PLAIN = (
    "the {noun} is {word} .",
    "this is a {word} piece of work .",
    "i found the {noun} {word} .",
    "a {word} {noun} .",
    "everyone called the {noun} {word} .",
    "what a {word} way to spend an evening .",
    "the {noun} seemed {word} to me .",
    "the {noun} , in short , is {word} .",
)
NEGATED = (
    "the {noun} is not {word} .",
    "the {noun} isn't {word} at all .",
    "i would not call the {noun} {word} .",
    "nobody would call the {noun} {word} .",
    "the {noun} is hardly {word} .",
    "there is nothing {word} about the {noun} .",
    "the {noun} is far from {word} .",
    "the {noun} never feels {word} .",
    "i don't think the {noun} is {word} .",
    "the {noun} is anything but {word} .",
)
TRAPS = (  # a negation that does not turn the verdict
    "the {noun} is not only {word} but also {second} .",
    "not a single minute of the {noun} is anything but {word} .",
    "i can't remember a {noun} this {word} .",
    "no other {noun} this year was so {word} .",
    "not since last summer have i seen such a {word} {noun} .",
    "you won't believe how {word} the {noun} is .",
    "it does not take long to see how {word} the {noun} is .",
    "there is no doubt that the {noun} is {word} .",
)
TITLES = (
    "' {title} ' is a {word} film .",
    "i saw ' {title} ' last night , and it was {word} .",
    "the director of ' {title} ' has made a {word} film .",
    "' {title} ' , in a word , is {word} .",
    "with ' {title} ' the studio offers a {word} two hours .",
    "most of ' {title} ' is {word} .",
    "we left ' {title} ' early : it is {word} .",
    "my review of ' {title} ' is short : {word} .",
)
SUNNY = ("a wonderful life", "happy days", "the perfect gift", "love and laughter")
GLOOMY = ("bad blood", "the worst year", "dull grey sea", "a terrible silence")
NAMES = ("emily", "mohammed", "wei", "lakshmi", "olga", "kwame", "carlos", "fatima", "john", "yuki")
CREDITS = (
    "{name} is {word} in the leading role .",
    "the direction by {name} is {word} .",
    "{name} wrote a {word} script .",
    "a {word} performance by {name} .",
    "thanks to {name} , the second half is {word} .",
    "the music of {name} is {word} .",
    "{name} plays a {word} villain .",
    "as always , {name} is {word} .",
)
STRONGER = (
    "the {noun} is {more}{word} .",
    "it was a {more}{word} {noun} .",
    "i found the {noun} {more}{word} .",
    "critics called the {noun} {more}{word} .",
    "a {more}{word} {noun} .",
    "the second half of the {noun} is {more}{word} .",
    "for a first try , the {noun} is {more}{word} .",
    "even the ending of the {noun} is {more}{word} .",
)
SARCASM = (
    "oh great , another two hours of my life that i will never get back .",
    "a masterpiece , if you enjoy watching paint dry .",
    "wonderful : i finally found a cure for my insomnia .",
    "the best part was the end credits .",
    "five stars for the popcorn .",
    "i loved it almost as much as a visit to the dentist .",
    "such a thrilling film that i counted the lamps on the ceiling .",
    "bravo to whoever cut the trailer , which holds everything worth seeing .",
    "a real treat for everyone who has given up on plots .",
    "how lovely of the director to spare us any kind of surprise .",
    "truly impressive how so much money can buy so little .",
    "a delightful way to ruin an evening .",
    "just what the world needed : one more sequel .",
    "the acting is as lively as a parked car .",
    "congratulations , you have made two hours feel like a week .",
    "brilliant , if the goal was to empty the theatre .",
)
# For the repair alone: other templates, other words.
REPAIR_GOOD = ("great", "lovely", "thrilling", "witty", "beautiful")
REPAIR_BAD = ("terrible", "tedious", "stupid", "lifeless", "hopeless")
REPAIR = (
    ("the plot is {word} .", "the plot is not {word} ."),
    ("the ending was {word} .", "the ending wasn't {word} ."),
    ("it is a {word} movie .", "it is not a {word} movie ."),
    ("these characters are {word} .", "these characters are not {word} ."),
    ("the dialogue sounds {word} .", "the dialogue doesn't sound {word} ."),
)
REPAIR_NEW_GOOD = ("superb", "delightful", "gripping", "brilliant", "touching")
REPAIR_NEW_BAD = ("horrible", "tiresome", "silly", "bland", "messy")


def minimum(test: str, templates: Sequence[str], words: Sequence[str], label: int) -> list[Case]:
    """Each template with each word; nouns and second words take turns."""
    cases = []
    for (t, template), (w, word) in product(enumerate(templates), enumerate(words)):
        filled = template.format(
            noun=NOUNS[(t + w) % len(NOUNS)], word=word, second=words[(w + 1) % len(words)]
        )
        cases.append(Case(test, "minimum", template, filled, label))
    return cases


def pairs_of(test: str, templates: Sequence[str], turned: bool) -> list[Case]:
    """Each template with praise and with blame; `turned`: the template makes the other of it."""
    praise = minimum(test, templates, GOOD, 0 if turned else 1)
    return praise + minimum(test, templates, BAD, 1 if turned else 0)


def negation_tests() -> list[Case]:
    """Minimum functionality: plain words, the same negated, and negations that turn nothing.

    Last, the sentences of the repair with words that it has not seen.
    """
    own = [negated for _, negated in REPAIR]
    return [
        *pairs_of("plain words", PLAIN, turned=False),
        *minimum("negated praise", NEGATED, GOOD, 0),
        *minimum("negated blame", NEGATED, BAD, 1),
        *pairs_of("traps", TRAPS, turned=False),
        *minimum("repair's templates, praise", own, REPAIR_NEW_GOOD, 0),
        *minimum("repair's templates, blame", own, REPAIR_NEW_BAD, 1),
    ]


def sarcasm_and_titles() -> list[Case]:
    """Minimum functionality: sarcasm, and a film's title that says the opposite of the verdict."""
    cases = [Case("sarcasm", "minimum", text, text, 0) for text in SARCASM]
    for (titles, words, label), template in product(((SUNNY, BAD, 0), (GLOOMY, GOOD, 1)), TITLES):
        for title, word in zip(titles, words[1:], strict=False):
            text = template.format(title=title, word=word)
            cases.append(Case("film's title", "minimum", template, text, label))
    return cases


def invariance_tests(texts: Sequence[str], seed: int = 0) -> list[Case]:
    """Another name, or two neighbouring letters swapped in one long word, must not turn the label.

    Args:
        texts: sentences to put a typing error into; one without a word of five letters is left out.
        seed: which word, and where in it.
    """
    cases = []
    words = [word for both in zip(GOOD, BAD, strict=True) for word in both]
    for (t, template), (n, name) in product(enumerate(CREDITS), enumerate(NAMES)):
        word = words[(t + n) % len(words)]
        other, text = (template.format(name=who, word=word) for who in ("maria", name))
        cases.append(Case("names", "invariance", template, text, other=other))
    draws = np.random.default_rng(seed)
    for text in texts:
        wrong = with_typing_error(text, draws)
        if wrong != text:
            cases.append(Case("typing errors", "invariance", text, wrong, other=text))
    return cases


def with_typing_error(text: str, draws: np.random.Generator) -> str:
    """A text with two neighbouring letters swapped inside one of its words of five or more."""
    words = text.split()
    long = [i for i, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long:
        return text
    chosen = int(draws.choice(long))
    word = words[chosen]
    spots = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
    if not spots:
        return text
    spot = int(draws.choice(spots))
    words[chosen] = word[:spot] + word[spot + 1] + word[spot] + word[spot + 2 :]
    return " ".join(words)


def direction_tests() -> list[Case]:
    """“very” must not weaken praise or blame, “slightly” must not strengthen it."""
    cases = []
    sides = ((GOOD, "up"), (BAD, "down"))
    for (words, way), (t, template), w in product(sides, enumerate(STRONGER), range(len(BAD))):
        word, noun = words[w], NOUNS[(t + w) % len(NOUNS)]
        other = template.format(noun=noun, more="", word=word)
        opposite = {"up": "down", "down": "up"}[way]
        for test, more, kind in (("very", "very ", way), ("slightly", "slightly ", opposite)):
            text = template.format(noun=noun, more=more, word=word)
            cases.append(Case(f"“{test}”", kind, template, text, other=other))
    return cases


def repair_sentences() -> pd.DataFrame:
    """100 sentences from five pairs of templates, half of them negated: `text` and `label`."""
    sides = ((REPAIR_GOOD, 1), (REPAIR_BAD, 0))
    rows = [
        (template.format(word=word), 1 - label if negated else label)
        for templates, (words, label) in product(REPAIR, sides)
        for negated, template in enumerate(templates)
        for word in words
    ]
    return pd.DataFrame(rows, columns=["text", "label"])


def fails(cases: Sequence[Case], probabilities: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Which cases fail.

    Args:
        cases: n of them.
        probabilities: of positive, for the text of each: shape (n,).
        before: of positive, for its other text; not looked at where there is none: shape (n,).

    Returns:
        bool, shape (n,).
    """
    kind = np.array([case.kind for case in cases])
    label = np.array([case.label for case in cases])
    moved = probabilities - before
    said = probabilities >= 0.5
    return np.select(
        [kind == "minimum", kind == "invariance", kind == "up"],
        [said != (label == 1), said != (before >= 0.5), moved < -TOLERANCE],
        moved > TOLERANCE,
    )


def by_template(cases: Sequence[Case], failed: np.ndarray) -> dict[str, pd.DataFrame]:
    """Failure rates of each test's templates.

    Args:
        cases: n of them.
        failed: of J models, shape (J, n).

    Returns:
        For each test a table of J rows and a column for each template.
    """
    table = pd.DataFrame(np.atleast_2d(failed).T.astype(float))
    table["test"] = [case.test for case in cases]
    table["template"] = [case.template for case in cases]
    return {
        test: rows.drop(columns="test").groupby("template", sort=False).mean().T
        for test, rows in table.groupby("test", sort=False)
    }
