"""How much of a text is in another: ROUGE, BLEU and chrF, as they are taught by hand in 14."""

import math
import re
from collections import Counter
from collections.abc import Sequence

ORDER = 4  # of BLEU's word n-grams
CHARACTERS, BETA = 6, 2  # of chrF: the longest n-grams, and how much more recall counts


def ngrams(items: Sequence, n: int) -> Counter:
    """How often each run of n neighbours occurs."""
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def words(text: str) -> list[str]:
    """Lower-case runs of the letters a to z and digits, as the rouge-score package splits."""
    return re.findall(r"[a-z0-9]+", text.lower())


def f1(common: int, found: int, expected: int) -> float:
    """2 · common / (found + expected); 0 if nothing is there."""
    return 2 * common / (found + expected) if found + expected else 0.0


def rouge(found: str, expected: str, n: int | None = None) -> float:
    """F1 of the n-grams (ROUGE-n), or without n of the longest common subsequence (ROUGE-L).

    Source: Lin 2004; F1 as in the rouge-score package, without stemming.
    """
    given, wanted = words(found), words(expected)
    if n is None:
        return f1(longest_common(given, wanted), len(given), len(wanted))
    given, wanted = ngrams(given, n), ngrams(wanted, n)
    return f1((given & wanted).total(), given.total(), wanted.total())


def longest_common(first: Sequence, second: Sequence) -> int:
    """Length of the longest sequence that both contain in order, gaps allowed."""
    row = [0] * (len(second) + 1)
    for item in first:
        before = row
        row = [0]
        for j, other in enumerate(second):
            row.append(before[j] + 1 if item == other else max(row[j], before[j + 1]))
    return row[-1]


def bleu(found: Sequence[str], expected: Sequence[str]) -> float:
    """BLEU of a set of texts, 0 to 100: n-grams of all texts together, one reference each.

    The geometric mean of the precisions of 1- to 4-grams, times the brevity penalty. Texts are
    split at spaces. An order without a hit makes the score 0: no smoothing.
    Source: Papineni et al. 2002.
    """
    given, wanted = [t.split() for t in found], [t.split() for t in expected]
    logs = []
    for n in range(1, ORDER + 1):
        pairs = [(ngrams(g, n), ngrams(w, n)) for g, w in zip(given, wanted, strict=True)]
        right = sum((g & w).total() for g, w in pairs)
        if right == 0:
            return 0.0
        logs.append(math.log(right / sum(g.total() for g, _ in pairs)))
    short = min(0.0, 1 - sum(map(len, wanted)) / sum(map(len, given)))
    return 100 * math.exp(sum(logs) / ORDER + short)


def chrf(found: Sequence[str], expected: Sequence[str]) -> float:
    """chrF2 of a set of texts, 0 to 100: runs of 1 to 6 characters of all texts, without spaces.

    Precision and recall are averaged over the six lengths, then joined to an F score in which
    recall counts twice. Lengths that no text reaches are left out, and so are a text's runs of a
    length that its reference does not reach. Source: Popović 2015; equal to sacrebleu's default.
    """
    precisions, recalls = [], []
    pairs = [("".join(f.split()), "".join(e.split())) for f, e in zip(found, expected, strict=True)]
    for n in range(1, CHARACTERS + 1):
        counts = [(ngrams(f, n), ngrams(e, n)) for f, e in pairs]
        given = sum(f.total() for f, e in counts if e)
        wanted = sum(e.total() for _, e in counts)
        right = sum((f & e).total() for f, e in counts)
        if given and wanted:
            precisions.append(right / given)
            recalls.append(right / wanted)
    if not precisions:
        return 0.0
    p, r = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 100 * (1 + BETA**2) * p * r / (BETA**2 * p + r) if p + r else 0.0
