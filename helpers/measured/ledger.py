"""The ledger of notebook 15: every claim of the article, and rules that give verdicts from rows.

`data/ledger.toml` holds the claims. Where recorded rows can decide, the verdict follows from them
by one of the rules below: a function of those rows, so that a test can hand it others. `computed`
reads the rows (`ledger_rows`) and applies the rule.
"""

import math
import tomllib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

import helpers.measured.ledger_rows as read
from helpers import downloads, metrics, validation

HOLDS, IF, NOT_HERE, WRONG, NOT_TESTED = VERDICTS = (
    "holds",
    "holds if",
    "does not hold here",
    "wrong",
    "not tested",
)
FEW = 512  # labels up to which we call them few; their leads are in notebook 08
PRECISE = 95  # per cent right from which we speak of high precision
MUCH = 3600  # seconds of one processor core from which we speak of much computing

Rule = Callable[..., str]
RULES: dict[str, tuple[Rule, tuple[Callable, ...]]] = {}


def claims() -> pd.DataFrame:
    """The ledger: a row for each claim, with its `id`; what a row leaves out is empty.

    Columns: `part` of notebook 15, `section` of the article, `kind`, what it `says`, the `verdict`
    and `why`; `notebook`, `cell` and `claim`, where that is shown; the rule by which the verdict is
    `computed`; and for what is not tested, what `would_test` it.
    """
    text = (downloads.DATA / "ledger.toml").read_text(encoding="utf8")
    found = pd.DataFrame.from_dict(tomllib.loads(text), orient="index")
    return found.fillna("").rename_axis("id").reset_index()


def counts(by: str = "") -> pd.Series | pd.DataFrame:
    """How many claims have each verdict, in the order of `VERDICTS`.

    Args:
        by: a column of `claims`, such as "part", for a row of counts for each of its values.
    """
    rows = claims()
    if not by:
        return rows["verdict"].value_counts().reindex(VERDICTS, fill_value=0)
    found = pd.crosstab(rows[by], rows["verdict"])
    return found.reindex(index=rows[by].unique(), columns=VERDICTS, fill_value=0)


def computed(name: str) -> str:
    """The verdict that the recorded rows give by one of the rules.

    Raises:
        KeyError: there is no rule of that name; the message lists those there are.
    """
    if name not in RULES:
        raise KeyError(f"no rule {name!r}. There are: {', '.join(sorted(RULES))}.")
    rule, readers = RULES[name]
    return rule(*(reader() for reader in readers))


def reads(*readers: Callable) -> Callable[[Rule], Rule]:
    """Register a rule, with the functions that read its rows."""

    def register(rule: Rule) -> Rule:
        RULES[rule.__name__] = (rule, readers)
        return rule

    return register


def among(shown: Sequence[bool]) -> str:
    """The verdict on a claim about several rivals or sizes: shown for all, some or none of them."""
    shown = np.asarray(shown, dtype=bool)
    if shown.all():
        return HOLDS
    return IF if shown.any() else NOT_HERE


# ---------------------------------------------------------------- rules about leads


@reads(read.gains_in_a_minute)
def improves(gains: pd.Series) -> str:
    """Better, if the rival is the model as it came: the only one here; every run gained."""
    return IF if (gains > 0).all() else NOT_HERE


@reads(read.over(read.FROZEN), read.over(read.WORDS))
def few_labels(over_frozen: pd.DataFrame, over_words: pd.DataFrame) -> str:
    """Better with few labels: for each rival, an interval above zero at every size up to `FEW`."""
    return among([(table.loc[:FEW, "low"] > 0).all() for table in (over_frozen, over_words)])


@reads(read.curves)
def fewer_labels(curves: pd.DataFrame) -> str:
    """A quarter of the labels is enough: for each rival, at every size of which there is one."""
    sizes = [n for n in curves.index if n // 4 in curves.index and n % 4 == 0]
    tuned = np.array([curves.loc[n // 4, read.TUNED] for n in sizes])
    return among([(tuned >= curves.loc[sizes, rival]).all() for rival in (read.FROZEN, read.WORDS)])


@reads(read.seconds)
def short_training(seconds: pd.Series) -> str:
    """Shorter training: fewer processor seconds than each rival takes."""
    return among(seconds[read.TUNED] < seconds[[read.RANDOM, read.FROZEN, read.WORDS]])


@reads(read.over(read.FROZEN), read.fresh)
def generalizes(test: pd.DataFrame, fresh: pd.DataFrame) -> str:
    """Better on new sentences: at each size, wherever it was scored."""
    return among([*(test["low"] > 0), *(fresh["low"] > 0)])


@reads(read.over(read.WORDS), read.news_leads)
def classification(reviews: pd.DataFrame, news: pd.DataFrame) -> str:
    """Sorting texts into classes works: better than counting words, on each kind of text."""
    over_words = news.loc[[name for name in news.index if name.endswith(read.WORDS)]]
    return among([(table["low"] > 0).all() for table in (reviews, over_words)])


@reads(read.curves)
def beyond_words(curves: pd.DataFrame) -> str:
    """Nothing without a language model: refuted if counting words is ten points above a coin."""
    return WRONG if curves[read.WORDS].max() > 60 else IF


@reads(read.news_leads)
def hundred_articles(leads: pd.DataFrame) -> str:
    """A hundred articles are a case for fine-tuning: a lead over each rival."""
    return among(leads["low"] > 0)


@reads(read.without_pretraining)
def pretraining(lacks: pd.DataFrame) -> str:
    """The result depends on the model: if one is without pretraining, which all sizes miss."""
    return IF if (lacks["low"] > 0).all() else NOT_HERE


@reads(read.faithful)
def hard_to_explain(beside_random: pd.DataFrame) -> str:
    """Hard to explain: it is so for the methods that do no better than a random order."""
    return among(beside_random["low"] <= 0)


@reads(read.winner)
def winner_on_validation(lead: dict[str, float]) -> str:
    """A part that one chooses on says how good the choice is: refuted if the lead then vanishes."""
    return HOLDS if lead["low"] > 0 or lead["validation"] <= 0 else WRONG


# ---------------------------------------------------------------- rules about labels and time


@reads(read.tuned_runs)
def amount(runs: pd.DataFrame) -> str:
    """More labels, better results: every run with most of them is above every run with fewest."""
    fewest, most = (runs[runs["n"] == n]["accuracy"] for n in (runs["n"].min(), runs["n"].max()))
    return among([most.min() > fewest.max()])


@reads(read.lost_by_noise)
def quality(lost: pd.DataFrame) -> str:
    """Wrong labels cost accuracy: shown for some share of them."""
    return HOLDS if (lost["low"] > 0).any() else NOT_HERE


@reads(read.curves)
def high_precision(curves: pd.DataFrame) -> str:
    """A few labels are enough for high precision: with 64 of them."""
    return among([curves.loc[64, read.TUNED] >= PRECISE])


@reads(read.seconds)
def needs_compute(seconds: pd.Series) -> str:
    """Much computing: more than an hour of one core."""
    return among([seconds[read.TUNED] > MUCH])


@reads(read.epochs)
def loss_is_performance(epochs: pd.DataFrame) -> str:
    """A loss that rises means a worse model: unless it rises and the accuracy stays."""
    loss, accuracy = epochs["validation_loss"], epochs["validation_accuracy"]
    _, high, _ = validation.corrected_t(accuracy[3.0] - accuracy[2.0], 0)
    rises = (loss[3.0] > loss[2.0]).all()
    return IF if rises and high > 0 else HOLDS


@reads(read.steps_at_64, read.epochs)
def few_epochs(few: pd.DataFrame, all_labels: pd.DataFrame) -> str:
    """A few epochs are enough: for each number of labels, far above a coin (ten points)."""
    enough = all_labels["validation_accuracy"][2.0].min() > 0.6
    return among([few.loc[0].min() > 60, enough])


@reads(read.two_rates)
def default_rate(rates: pd.DataFrame) -> str:
    """A rate of 1e-3 will do: not here if every run with it ended below every run with 1e-4."""
    return NOT_HERE if rates["after_high"].max() < rates["after_bare_loop"].min() else IF


# ---------------------------------------------------------------- rules about domains and answers


@reads(read.tweets("tweets"), read.tweets("movie"))
def essence(home: pd.DataFrame, guest: pd.DataFrame) -> str:
    """It understands the task itself: unless another domain costs, by a t interval over seeds."""
    low, _, _ = validation.corrected_t(home["pearson"] - guest["pearson"], 0)
    return NOT_HERE if low > 0 else HOLDS


@reads(read.at_home)
def home_leads(r: pd.DataFrame) -> str:
    """Sentiment can be judged: with a condition, if each domain is best read from its own."""
    own = all(r[domain].idxmax() == domain for domain in r.columns)
    return IF if own else HOLDS


@reads(read.tweet_leads)
def tweets(leads: pd.DataFrame) -> str:
    """Posts can be read: better than by each rival, two regressions and a word list."""
    return among(leads["low"] > 0)


@reads(read.tweets("tweets"), read.tweets("tweets", "sigmoid"))
def sigmoid_output(linear: pd.DataFrame, squashed: pd.DataFrame) -> str:
    """An activation on the output: with a condition, if it costs R² in each run of a regression."""
    return IF if (linear["r2"] > squashed["r2"]).all() else HOLDS


@reads(read.after_messages, read.after_answers)
def unlabelled_first(both: pd.Series, alone: pd.Series) -> str:
    """Bare text first prepares for the task: each run better than each run without."""
    return HOLDS if both.min() > alone.max() else NOT_HERE


@reads(read.answers)
def sorting_messages(compared: pd.DataFrame) -> str:
    """Messages can be sorted: better than each rival, by intervals that do not meet."""
    tuned, rivals = compared.loc["fine-tuned encoder"], compared.loc[["frozen features", "TF-IDF"]]
    return among(tuned["low"] > rivals["high"])


# ---------------------------------------------------------------- rules about other tasks


@reads(read.pointing)
def questions(lead: pd.Series) -> str:
    """Questions are answered: if the text holds the answer, with a lead over never giving one."""
    return IF if lead["low"] > 0 else NOT_HERE


@reads(read.translated)
def translation(exact: pd.Series) -> str:
    """Translations of high precision: if a small language counts, and so many are exact."""
    return IF if exact["after"] >= PRECISE else NOT_HERE


@reads(read.subject_lines)
def summary(lead: pd.Series) -> str:
    """Texts are summarized: in one line, a lead over the first words of the text."""
    return IF if lead["low"] > 0 else NOT_HERE


# ---------------------------------------------------------------- rules about what was printed


def sizes_behind(
    accuracy: float, validation_accuracy: float, steps: int, batch_size: int = 32, part: float = 0.2
) -> list[tuple[int, int]]:
    """Which training and validation parts can give two printed accuracies.

    Args:
        accuracy, validation_accuracy: as printed, with four digits.
        steps: of one epoch.
        batch_size: of training.
        part: the share of all rows that is held out at the end.

    Returns:
        Pairs of sizes: so many steps, and a whole number of right answers behind each accuracy.
    """
    found = []
    for rows in range(2, 2 * steps * batch_size):
        train = int(rows * (1 - part))
        printed = {train: accuracy, rows - train: validation_accuracy}
        fits = all(rounds_to(share, size) for size, share in printed.items())
        if fits and math.ceil(train / batch_size) == steps:
            found.append((train, rows - train))
    return found


def rounds_to(share: float, size: int) -> bool:
    """Whether a whole number of `size` answers is this share, rounded to four digits."""
    return size > 0 and round(round(share * size) / size, 4) == share


PRINTED = 0.8667, 0.7333, 10  # both accuracies and the steps of the article's log


@reads(lambda: PRINTED)
def printed_sizes(printed: tuple[float, float, int]) -> str:
    """The training figure: possible if some sizes give it, and then only with a condition."""
    return IF if sizes_behind(*printed) else WRONG


@reads(lambda: PRINTED)
def printed_validation(printed: tuple[float, float, int]) -> str:
    """The validation figure: with its uncertainty, if that is more than ten points wide."""
    ends = [metrics.wilson(round(printed[1] * n), n) for _, n in sizes_behind(*printed)]
    if not ends:
        return WRONG
    return IF if max(high - low for low, high in ends) > 0.1 else HOLDS
