"""Right and wrong answers to the exercises of notebook 14."""

from itertools import groupby, pairwise

import numpy as np
import torch

from tests.notebooks.cases import Cases

# ---------------------------------------------------------------- 14-1


def piece_labels(word_ids, tags):
    labels, before = [], None
    for word in word_ids:
        is_first = word is not None and word != before
        labels.append(tags[word] if is_first else -100)
        before = word
    return labels


def by_groups(word_ids, tags):
    """Another shape: runs of equal numbers, and a tuple."""
    labels = []
    for word, run in groupby(word_ids):
        further = [-100] * (len(list(run)) - 1)
        labels += [-100 if word is None else tags[word], *further]
    return tuple(labels)


def by_set(word_ids, tags):
    """The words that were there already, in a set; an array."""
    seen = {None}
    labels = np.full(len(word_ids), -100)
    for i, word in enumerate(word_ids):
        if word not in seen:
            labels[i] = tags[word]
            seen.add(word)
    return labels


def by_index(word_ids, tags):
    """From the words to their pieces; a tensor."""
    labels = torch.full((len(word_ids),), -100)
    for word, tag in enumerate(tags):
        if word in word_ids:
            labels[word_ids.index(word)] = tag
    return labels


def every_piece(word_ids, tags):
    return [-100 if word is None else tags[word] for word in word_ids]


def inside_at_further_pieces(word_ids, tags):
    """B- at the first piece, I-, the next number, at the others."""
    labels, before = [], None
    for word in word_ids:
        if word is None:
            labels.append(-100)
        elif word != before:
            labels.append(tags[word])
        else:
            labels.append(tags[word] + 1 if tags[word] % 2 else tags[word])
        before = word
    return labels


def last_piece(word_ids, tags):
    following = [*word_ids[1:], None]
    pairs = zip(word_ids, following, strict=True)
    return [tags[w] if w is not None and w != after else -100 for w, after in pairs]


def beside_the_tokens(word_ids, tags):
    """The common mistake of section 2: tags one after the other, behind [CLS]."""
    labels = [-100] * len(word_ids)
    for i, tag in enumerate(tags[: len(word_ids) - 2]):
        labels[i + 1] = tag
    return labels


def words_between_special_tokens(word_ids, tags):
    return [-100, *tags, -100]


def one_per_word(word_ids, tags):
    return list(tags)


def forgets_cls(word_ids, tags):
    return [*piece_labels(word_ids, tags)[1:], -100]


def too_late(word_ids, tags):
    return [-100, *piece_labels(word_ids, tags)][: len(word_ids)]


def compares_tags(word_ids, tags):
    labels, before = [], None
    for word in word_ids:
        tag = None if word is None else tags[word]
        labels.append(-100 if tag is None or tag == before else tag)
        before = tag
    return labels


def none_not_handled(word_ids, tags):
    labels, before = [], None
    for word in word_ids:
        labels.append(tags[word] if word != before else -100)
        before = word
    return labels


def every_word_has_a_piece(word_ids, tags):
    """Looks for the piece of each word, also of one that was cut away."""
    labels = [-100] * len(word_ids)
    for word, tag in enumerate(tags):
        labels[word_ids.index(word)] = tag
    return labels


def counts_the_words(word_ids, tags):
    """Takes the next tag at each new word, whatever its number is."""
    labels, before, rest = [], None, iter(tags)
    for word in word_ids:
        labels.append(next(rest) if word is not None and word != before else -100)
        before = word
    return labels


def expects_cls(word_ids, tags):
    pairs = pairwise(word_ids)
    return [-100] + [tags[w] if w is not None and w != before else -100 for before, w in pairs]


def looks_back_from_the_first(word_ids, tags):
    return [
        tags[w] if w is not None and w != word_ids[i - 1] else -100 for i, w in enumerate(word_ids)
    ]


def word_0_is_false(word_ids, tags):
    labels, before = [], None
    for word in word_ids:
        labels.append(tags[word] if word and word != before else -100)
        before = word
    return labels


def outside_is_left_out(word_ids, tags):
    return [label or -100 for label in piece_labels(word_ids, tags)]


def zero_for_the_others(word_ids, tags):
    return [0 if label == -100 else label for label in piece_labels(word_ids, tags)]


def none_for_the_others(word_ids, tags):
    return [None if label == -100 else label for label in piece_labels(word_ids, tags)]


def no_entry_for_special_tokens(word_ids, tags):
    pairs = zip(word_ids, piece_labels(word_ids, tags), strict=True)
    return [label for word, label in pairs if word is not None]


def stops_at_padding(word_ids, tags):
    """Takes the first None behind [CLS] for the last piece."""
    return piece_labels(word_ids, tags)[: word_ids.index(None, 1) + 1 if None in word_ids else None]


def empties_the_pieces(word_ids, tags):
    labels, before = [], None
    while word_ids:
        word = word_ids.pop(0)
        labels.append(tags[word] if word is not None and word != before else -100)
        before = word
    return labels


def only_the_first_label(word_ids, tags):
    return piece_labels(word_ids, tags)[0]


def only_ignored(word_ids, tags):
    return [-100 for _ in word_ids]


def returns_nothing(*arguments):
    del arguments


# ---------------------------------------------------------------- 14-2


def span_f1(expected, found):
    right = in_all = 0
    for wanted, given in zip(expected, found, strict=True):
        right += len(set(wanted) & set(given))
        in_all += len(wanted) + len(given)
    return 2 * right / in_all if in_all else 0.0


def by_numbered_texts(expected, found):
    """Another shape: each span with the number of its text, in one set of each kind."""
    wanted = {(n, *span) for n, spans in enumerate(expected) for span in spans}
    given = {(n, *span) for n, spans in enumerate(found) for span in spans}
    return np.float64(2 * len(wanted & given) / max(1, len(wanted) + len(given)))


def by_precision_and_recall(expected, found):
    right = sum(s in w for w, g in zip(expected, found, strict=True) for s in g)
    if right == 0:
        return 0
    precision, recall = right / sum(map(len, found)), right / sum(map(len, expected))
    return torch.tensor(2 * precision * recall / (precision + recall), dtype=torch.float64)


def mean_of_texts(expected, found):
    pairs = zip(expected, found, strict=True)
    return sum(span_f1([w], [g]) for w, g in pairs) / len(expected)


def mean_of_texts_with_spans(expected, found):
    values = [span_f1([w], [g]) for w, g in zip(expected, found, strict=True) if w or g]
    return sum(values) / len(values) if values else 0.0


def divides_within_texts(expected, found):
    total = 0
    for wanted, given in zip(expected, found, strict=True):
        total += 2 * len(set(wanted) & set(given)) / (len(wanted) + len(given))
    return total / len(expected)


def across_texts(expected, found):
    wanted = [span for spans in expected for span in spans]
    given = [span for spans in found for span in spans]
    right = sum(span in wanted for span in given)
    return 2 * right / max(1, len(wanted) + len(given))


def one_set_of_all(expected, found):
    wanted = {span for spans in expected for span in spans}
    given = {span for spans in found for span in spans}
    return 2 * len(wanted & given) / max(1, len(wanted) + len(given))


def ignores_the_kind(expected, found):
    return span_f1([[s[:2] for s in t] for t in expected], [[s[:2] for s in t] for t in found])


def ignores_the_end(expected, found):
    return span_f1(
        [[(s[0], s[2]) for s in t] for t in expected], [[(s[0], s[2]) for s in t] for t in found]
    )


def ignores_the_start(expected, found):
    return span_f1([[s[1:] for s in t] for t in expected], [[s[1:] for s in t] for t in found])


def overlap_is_enough(expected, found):
    right = 0
    for wanted, given in zip(expected, found, strict=True):
        for start, end, kind in given:
            right += any(w[0] < end and start < w[1] and w[2] == kind for w in wanted)
    return 2 * right / max(1, sum(map(len, expected)) + sum(map(len, found)))


def by_position(expected, found):
    right = sum(
        w == g
        for wanted, given in zip(expected, found, strict=True)
        for w, g in zip(wanted, given, strict=False)
    )
    return 2 * right / max(1, sum(map(len, expected)) + sum(map(len, found)))


def counts(expected, found):
    pairs = zip(expected, found, strict=True)
    return (
        sum(len(set(w) & set(g)) for w, g in pairs),
        sum(map(len, found)),
        sum(map(len, expected)),
    )


def precision(expected, found):
    right, said, _ = counts(expected, found)
    return right / said if said else 0.0


def recall(expected, found):
    right, _, there = counts(expected, found)
    return right / there if there else 0.0


def mean_of_both(expected, found):
    return (precision(expected, found) + recall(expected, found)) / 2


def harmonic_without_care(expected, found):
    """Right as long as a span is right."""
    p, r = precision(expected, found), recall(expected, found)
    return 2 * p * r / (p + r)


def half(expected, found):
    return span_f1(expected, found) / 2


def jaccard(expected, found):
    right, said, there = counts(expected, found)
    return right / (said + there - right) if said + there else 0.0


def of_kinds(expected, found):
    kinds = {"order", "product", "amount", "date"}
    return (
        sum(
            span_f1(
                [[s for s in t if s[2] == kind] for t in expected],
                [[s for s in t if s[2] == kind] for t in found],
            )
            for kind in kinds
        )
        / 4
    )


def characters(expected, found):
    """Words or characters counted, instead of spans."""
    wanted, given = (
        [[(i, k) for start, end, k in t for i in range(start, end)] for t in part]
        for part in (expected, found)
    )
    return span_f1(wanted, given)


def no_care_for_nothing(expected, found):
    right, said, there = counts(expected, found)
    return 2 * right / (said + there)


def one_for_nothing(expected, found):
    return span_f1(expected, found) if any(expected) or any(found) else 1.0


def nan_for_nothing(expected, found):
    right, said, there = counts(expected, found)
    return 2 * right / (said + there) if said + there else float("nan")


def judges_by_the_last_text(expected, found):
    """Asks what is left of the loop, instead of the sum."""
    right, said, there = counts(expected, found)
    return 2 * right / (said + there) if expected[-1] or found[-1] else 0.0


def per_cent(expected, found):
    return 100 * span_f1(expected, found)


def right_alone(expected, found):
    return counts(expected, found)[0]


def crosses_off(expected, found):
    """Takes each span that was found off the list, which the caller loses."""
    right, in_all = 0, sum(map(len, expected)) + sum(map(len, found))
    for wanted, given in zip(expected, found, strict=True):
        for span in given:
            if span in wanted:
                wanted.remove(span)
                right += 1
    return 2 * right / in_all if in_all else 0.0


def one_per_text(expected, found):
    return [span_f1([w], [g]) for w, g in zip(expected, found, strict=True)]


# ---------------------------------------------------------------- 14-3


def best_answer(start, end, longest):
    best, span = start[0] + end[0], None
    for first in range(1, len(start)):
        for last in range(first, min(first + longest, len(start))):
            if start[first] + end[last] > best:
                best, span = start[first] + end[last], (first, last)
    return span


def by_matrix(start, end, longest):
    """Another shape: all sums at once, those that are not allowed at minus infinity."""
    sums = np.add.outer(np.asarray(start), np.asarray(end))
    place = np.arange(len(start))
    length = place[None] - place[:, None] + 1
    allowed = (length >= 1) & (length <= longest) & (place[:, None] > 0)
    sums_allowed = np.where(allowed, sums, -np.inf)
    first, last = np.unravel_index(sums_allowed.argmax(), sums.shape)
    return (first, last) if sums_allowed[first, last] > sums[0, 0] else None


def by_sorting(start, end, longest):
    spans = [
        (-(start[i] + end[j]), [i, j])
        for i in range(1, len(start))
        for j in range(i, len(start))
        if j - i + 1 <= longest
    ]
    score, span = min(spans)
    return span if -score > start[0] + end[0] else None


def by_probabilities(start, end, longest):
    """Products of probabilities are in the same order as sums of logits."""
    p, q = (torch.softmax(torch.tensor(x, dtype=torch.float64), dim=0) for x in (start, end))
    return best_answer(p.log().tolist(), q.log().tolist(), longest)


def argmax_each(start, end, longest):
    first, last = (max(range(1, len(x)), key=x.__getitem__) for x in (start, end))
    return (first, last) if start[first] + end[last] > start[0] + end[0] else None


def argmax_each_with_cls(start, end, longest):
    first, last = int(np.argmax(start)), int(np.argmax(end))
    return (first, last) if 0 < first <= last else None


def argmax_turned(start, end, longest):
    first, last = (max(range(1, len(x)), key=x.__getitem__) for x in (start, end))
    return (
        (min(first, last), max(first, last))
        if start[first] + end[last] > start[0] + end[0]
        else None
    )


def first_maximum_only(start, end, longest):
    """The best start, then the best end behind it."""
    first = max(range(1, len(start)), key=start.__getitem__)
    last = max(range(first, min(first + longest, len(start))), key=end.__getitem__)
    return (first, last) if start[first] + end[last] > start[0] + end[0] else None


def any_order(start, end, longest):
    best, span = start[0] + end[0], None
    for first in range(1, len(start)):
        for last in range(1, min(first + longest, len(start))):
            if start[first] + end[last] > best:
                best, span = start[first] + end[last], (first, last)
    return span


def one_too_long(start, end, longest):
    return best_answer(start, end, longest + 1)


def one_too_short(start, end, longest):
    return best_answer(start, end, longest - 1)


def any_length(start, end, longest):
    return best_answer(start, end, len(start))


def cls_is_part(start, end, longest):
    best, span = start[0] + end[0], None
    for first in range(len(start)):
        for last in range(first, min(first + longest, len(start))):
            if start[first] + end[last] > best:
                best, span = start[first] + end[last], (first, last)
    return span


def equal_wins(start, end, longest):
    best, span = start[0] + end[0], None
    for first in range(1, len(start)):
        for last in range(first, min(first + longest, len(start))):
            if start[first] + end[last] >= best:
                best, span = start[first] + end[last], (first, last)
    return span


def never_none(start, end, longest):
    return best_answer([-1e9, *start[1:]], end, longest)


def compares_with_zero(start, end, longest):
    return best_answer([0, *start[1:]], [0, *end[1:]], longest)


def zero_counts_as_well(start, end, longest):
    """Begins with 0 as the best, and compares with position 0 at the end."""
    best, span = 0, None
    for first in range(1, len(start)):
        for last in range(first, min(first + longest, len(start))):
            if start[first] + end[last] > best:
                best, span = start[first] + end[last], (first, last)
    return span if best > start[0] + end[0] else None


def compares_with_start_alone(start, end, longest):
    return best_answer(start, [0, *end[1:]], longest)


def multiplies(start, end, longest):
    best, span = start[0] * end[0], None
    for first in range(1, len(start)):
        for last in range(first, min(first + longest, len(start))):
            if start[first] * end[last] > best:
                best, span = start[first] * end[last], (first, last)
    return span


def adds_probabilities(start, end, longest):
    p, q = (torch.softmax(torch.tensor(x), dim=0).tolist() for x in (start, end))
    return best_answer(p, q, longest)


def exchanged(start, end, longest):
    return best_answer(end, start, longest)


def without_cls(start, end, longest):
    span = best_answer(start, end, longest)
    return span and (span[0] - 1, span[1] - 1)


def end_behind(start, end, longest):
    span = best_answer(start, end, longest)
    return span and (span[0], span[1] + 1)


def cls_for_none(start, end, longest):
    return best_answer(start, end, longest) or (0, 0)


def runs_over_the_end(start, end, longest):
    best, span = start[0] + end[0], None
    for first in range(1, len(start)):
        for last in range(first, first + longest):
            if start[first] + end[last] > best:
                best, span = start[first] + end[last], (first, last)
    return span


def forbids_cls_in_place(start, end, longest):
    """Reads the sum at [CLS], then writes minus infinity there, into the caller's lists."""
    best, span = start[0] + end[0], None
    start[0] = end[0] = float("-inf")
    for first in range(len(start)):
        for last in range(first, min(first + longest, len(start))):
            if start[first] + end[last] > best:
                best, span = start[first] + end[last], (first, last)
    return span


def with_its_sum(start, end, longest):
    span = best_answer(start, end, longest)
    return span and (*span, start[span[0]] + end[span[1]])


def short_texts_have_none(start, end, longest):
    return best_answer(start, end, longest) if len(start) > 2 else None


CASES = {
    "14-1": Cases(
        right=[(piece_labels,), (by_groups,), (by_set,), (by_index,)],
        wrong=[
            ((every_piece,), "Every piece of a word has a label"),
            ((last_piece,), "last piece of each word"),
            ((beside_the_tokens,), "one after the other"),
            ((inside_at_further_pieces,), "have the I- label"),
            ((words_between_special_tokens,), "6 pieces, 5 labels"),
            ((one_per_word,), "one label for each word"),
            ((forgets_cls,), "as if [CLS] did not count"),
            ((too_late,), "one place too late"),
            ((compares_tags,), "not their tags"),
            ((none_not_handled,), "has None instead of the number"),
            ((every_word_has_a_piece,), "words 3 and 4 have no piece"),
            ((counts_the_words,), "do not count"),
            ((expects_cls,), "without special tokens"),
            ((looks_back_from_the_first,), "is the last one if i is 0"),
            ((word_0_is_false,), "word is not None"),
            ((outside_is_left_out,), "Outside is a class"),
            ((zero_for_the_others,), "0 stands where nothing is learned"),
            ((none_for_the_others,), "flat list of whole numbers"),
            ((no_entry_for_special_tokens,), "special tokens have no entry"),
            ((stops_at_padding,), "7 pieces, 5 labels"),
            ((empties_the_pieces,), "changes a list"),
            ((only_ignored,), "No piece has a label"),
            ((returns_nothing,), "returns None"),
        ],
    ),
    "14-2": Cases(
        right=[(span_f1,), (by_numbered_texts,), (by_precision_and_recall,)],
        wrong=[
            ((mean_of_texts,), "mean of each text's F1"),
            ((across_texts,), "expected in another text"),
            ((ignores_the_kind,), "The kind is ignored"),
            ((divides_within_texts,), "Do not divide within a text"),
            ((one_set_of_all,), "in one set"),
            ((ignores_the_end,), "The end is ignored"),
            ((ignores_the_start,), "The start is ignored"),
            ((overlap_is_enough,), "only overlaps"),
            ((by_position,), "in another order"),
            ((precision,), "That is precision"),
            ((recall,), "That is recall"),
            ((mean_of_both,), "ordinary mean"),
            ((harmonic_without_care,), "none of them is right"),
            ((half,), "half of F1"),
            ((jaccard,), "in at least one list"),
            ((of_kinds,), "mean of each kind's F1"),
            ((characters,), "You count characters"),
            ((no_care_for_nothing,), "ZeroDivisionError"),
            ((one_for_nothing,), "gives 1.0"),
            ((nan_for_nothing,), "gives nan"),
            ((judges_by_the_last_text,), "The last text has no span"),
            ((per_cent,), "in per cent"),
            ((right_alone,), "number of right spans"),
            ((crosses_off,), "changes a list"),
            ((one_per_text,), "single number"),
            ((returns_nothing,), "returns None"),
        ],
    ),
    "14-3": Cases(
        right=[(best_answer,), (by_matrix,), (by_sorting,), (by_probabilities,)],
        wrong=[
            ((argmax_each,), "choose start and end separately"),
            ((any_order,), "end before it starts"),
            ((one_too_long,), "longest + 1 tokens"),
            ((argmax_turned,), "turn start and end round"),
            ((first_maximum_only,), "one end, then the other"),
            ((one_too_short,), "longest − 1 tokens"),
            ((any_length,), "of any length"),
            ((cls_is_part,), "as the start of a span"),
            ((equal_wins,), "only a higher one wins"),
            ((never_none,), "never returns None"),
            ((compares_with_zero,), "You compare with 0"),
            ((zero_counts_as_well,), "Begin with the sum at position 0"),
            ((compares_with_start_alone,), "a part of position 0"),
            ((multiplies,), "You multiply"),
            ((adds_probabilities,), "You add probabilities"),
            ((exchanged,), "are exchanged"),
            ((without_cls,), "one too small"),
            ((end_behind,), "one behind the span"),
            ((cls_for_none,), "no part of the text"),
            ((runs_over_the_end,), "ends inside the text"),
            ((forbids_cls_in_place,), "changes a list"),
            ((with_its_sum,), "two positions"),
            ((short_texts_have_none,), "of one token"),
            ((returns_nothing,), "returns None"),
        ],
    ),
}
