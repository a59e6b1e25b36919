"""Right and wrong answers to the exercises of notebook 11."""

import numpy as np

from tests.notebooks.cases import Cases


def leave_one_out(score, words):
    whole, falls = score(" ".join(words)), []
    for i in range(len(words)):
        changed = list(words)
        changed[i] = "[MASK]"
        falls.append(whole - score(" ".join(changed)))
    return falls


def by_comprehension(score, words):
    """Another shape: slices, and an array."""
    texts = [" ".join([*words[:i], "[MASK]", *words[i + 1 :]]) for i in range(len(words))]
    return score(" ".join(words)) - np.array([score(text) for text in texts])


def by_enumerate(score, words):
    return [
        score(" ".join(words))
        - score(" ".join("[MASK]" if i == j else w for j, w in enumerate(words)))
        for i, _ in enumerate(words)
    ]


def deletes(score, words):
    return [
        score(" ".join(words)) - score(" ".join(words[:i] + words[i + 1 :]))
        for i in range(len(words))
    ]


def turned(score, words):
    return [-fall for fall in leave_one_out(score, words)]


def not_subtracted(score, words):
    return [score(" ".join(words)) - fall for fall in leave_one_out(score, words)]


def changes_the_list(score, words):
    """Masks grow from word to word, since nothing is put back."""
    whole, falls = score(" ".join(words)), []
    for i in range(len(words)):
        words[i] = "[MASK]"
        falls.append(whole - score(" ".join(words)))
    return falls


def masks_grow_in_a_copy(score, words):
    return changes_the_list(score, list(words))


def masks_every_such_word(score, words):
    whole = score(" ".join(words))
    return [
        whole - score(" ".join("[MASK]" if other == w else other for other in words)) for w in words
    ]


def replaces_in_the_text(score, words):
    text = " ".join(words)
    return [score(text) - score(text.replace(word, "[MASK]")) for word in words]


def masks_the_first_such_word(score, words):
    """Looks a word up by what it says, so its second place is never masked."""
    whole, falls = score(" ".join(words)), []
    for word in words:
        changed = list(words)
        changed[words.index(word)] = "[MASK]"
        falls.append(whole - score(" ".join(changed)))
    return falls


def masks_at_the_end(score, words):
    whole = score(" ".join(words))
    return [
        whole - score(" ".join([*words[:i], *words[i + 1 :], "[MASK]"])) for i in range(len(words))
    ]


def keeps_only(score, words):
    whole = score(" ".join(words))
    return [
        whole - score(" ".join(w if i == j else "[MASK]" for j, w in enumerate(words)))
        for i in range(len(words))
    ]


def only_the_first(score, words):
    return leave_one_out(score, words)[:1]


def absolute_falls(score, words):
    return [abs(fall) for fall in leave_one_out(score, words)]


def returns_nothing(score, words, *_):
    leave_one_out(score, words)


def comprehensiveness(score, words, values, k):
    order = sorted(range(len(words)), key=lambda i: values[i], reverse=True)
    changed = list(words)
    for i in order[:k]:
        changed[i] = "[MASK]"
    return score(" ".join(words)) - score(" ".join(changed))


def with_numpy(score, words, values, k):
    top = np.argsort(-np.array(values), kind="stable")[:k]
    text = " ".join("[MASK]" if i in top else word for i, word in enumerate(words))
    return score(" ".join(words)) - score(text)


def by_pairs(score, words, values, k):
    top = {i for _, i in sorted((-v, i) for i, v in enumerate(values))[:k]}
    return score(" ".join(words)) - score(
        " ".join("[MASK]" if i in top else w for i, w in enumerate(words))
    )


def by_absolute_value(score, words, values, k):
    return comprehensiveness(score, words, [abs(v) for v in values], k)


def lowest(score, words, values, k):
    return comprehensiveness(score, words, [-v for v in values], k)


def deletes_top(score, words, values, k):
    order = sorted(range(len(words)), key=lambda i: values[i], reverse=True)[:k]
    return score(" ".join(words)) - score(
        " ".join(w for i, w in enumerate(words) if i not in order)
    )


def sufficiency(score, words, values, k):
    order = sorted(range(len(words)), key=lambda i: values[i], reverse=True)[:k]
    kept = " ".join(w if i in order else "[MASK]" for i, w in enumerate(words))
    return score(" ".join(words)) - score(kept)


def turned_fall(score, words, values, k):
    return -comprehensiveness(score, words, values, k)


def score_without(score, words, values, k):
    return score(" ".join(words)) - comprehensiveness(score, words, values, k)


def in_place(score, words, values, k):
    whole = score(" ".join(words))
    for i in sorted(range(len(words)), key=lambda i: values[i], reverse=True)[:k]:
        words[i] = "[MASK]"
    return whole - score(" ".join(words))


def pops_the_values(score, words, values, k):
    """Finds the right words, and empties the list that it was given."""
    numbered = dict(enumerate(values))
    top = sorted(numbered, key=numbered.get, reverse=True)[:k]
    values.clear()
    text = " ".join("[MASK]" if i in top else w for i, w in enumerate(words))
    return score(" ".join(words)) - score(text)


def last_of_equals(score, words, values, k):
    order = np.argsort(np.array(values), kind="stable")[::-1][:k]
    text = " ".join("[MASK]" if i in order else w for i, w in enumerate(words))
    return score(" ".join(words)) - score(text)


def masks_by_word(score, words, values, k):
    top = {words[i] for i in sorted(range(len(words)), key=lambda i: -values[i])[:k]}
    text = " ".join("[MASK]" if word in top else word for word in words)
    return score(" ".join(words)) - score(text)


def masks_the_first_of_top(score, words, values, k):
    changed = list(words)
    for i in sorted(range(len(words)), key=lambda i: -values[i])[:k]:
        changed[words.index(words[i])] = "[MASK]"
    return score(" ".join(words)) - score(" ".join(changed))


def only_positive_values(score, words, values, k):
    return comprehensiveness(score, words, values, min(k, sum(v > 0 for v in values)))


CASES = {
    "11-1": Cases(
        right=[([6, 6], [3, 3], [6, 6]), (np.array([6.0, 6.0]), (3.0, 3.0), [6, 6])],
        wrong=[
            (([2, 3], [3, 3], [6, 6]), "gradient alone"),
            (([3, 2], [3, 3], [6, 6]), "is b, not 1"),
            (([1, 1], [3, 3], [6, 6]), "and b?"),
            (([6, 6], [6, 6], [6, 6]), "rose by 6 only"),
            (([6, 6], [1, 1.5], [6, 6]), "mean gradient"),
            (([6, 6], [2, 4], [6, 6]), "mean over t"),
            (([6, 6], [3, 3], [3, 3]), "if a is 0"),
            (([6, 6], [3, 3], [0, 0]), "the answer is 6"),
            (([6, 6], [3, 3], [6]), "two numbers each"),
        ],
    ),
    "11-2": Cases(
        right=[(leave_one_out,), (by_comprehension,), (by_enumerate,)],
        wrong=[
            ((deletes,), "You delete"),
            ((turned,), "signs are turned"),
            ((not_subtracted,), "By how much did it fall"),
            ((changes_the_list,), "changes the list"),
            ((masks_grow_in_a_copy,), "For ['not', 'good']"),
            ((masks_every_such_word,), "mask one place"),
            ((replaces_in_the_text,), "change the list of words"),
            ((masks_the_first_such_word,), "mask one place"),
            ((masks_at_the_end,), "For ['not', 'good']"),
            ((keeps_only,), "only this word is kept"),
            ((only_the_first,), "one number for each word"),
            ((absolute_falls,), "it should be"),
            ((returns_nothing,), "returns None"),
        ],
    ),
    "11-3": Cases(
        right=[(comprehensiveness,), (with_numpy,), (by_pairs,)],
        wrong=[
            ((by_absolute_value,), "no absolute values"),
            ((lowest,), "lowest values"),
            ((deletes_top,), "You delete"),
            ((sufficiency,), "that is sufficiency"),
            ((turned_fall,), "sign is turned"),
            ((score_without,), "By how much did it fall"),
            ((in_place,), "changes the list"),
            ((pops_the_values,), "Work on a copy"),
            ((last_of_equals,), "the earlier word"),
            ((masks_by_word,), "not every such word"),
            ((masks_the_first_of_top,), "Mask the place with the value"),
            ((only_positive_values,), "With the values"),
            ((returns_nothing,), "returns None"),
        ],
    ),
}
