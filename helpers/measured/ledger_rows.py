"""The recorded rows that decide verdicts of notebook 15's ledger: one function for each question.

The rules that judge them are in `ledger.py`.
"""

from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from io import StringIO

import numpy as np
import pandas as pd

import helpers.measured.domains as domains
import helpers.measured.explanations as explanations
import helpers.measured.instruction_tuning as instruction_tuning
import helpers.measured.news_draws as news_draws
import helpers.measured.other_tasks as other_tasks
import helpers.measured.what_it_buys as what_it_buys
from helpers import corpora
from helpers.measured.rows import table
from helpers.other_tasks import exact_match

CLEAN = 1024  # labels, the size at which times, wrong labels and fresh sentences were measured
TUNED, FROZEN, RANDOM = what_it_buys.FULL, what_it_buys.FROZEN, what_it_buys.RANDOM
WORDS = "TF-IDF"


@cache
def clean() -> pd.DataFrame:
    """Counts of notebook 08, in bf16: right labels, final settings, five draws."""
    rows = what_it_buys.counts("test")
    kept = (rows["variant"] == "") & (rows["seed"] < what_it_buys.DRAWS) & (rows["flipped"] == 0)
    return rows[kept]


def over(rival: str) -> Callable[[], pd.DataFrame]:
    """A reader: by how much fine-tuning leads a rival at each number of labels."""
    return lambda: what_it_buys.leads(TUNED, rival)


def fresh() -> pd.DataFrame:
    """The same over frozen features, on sentences that no choice had seen."""
    return what_it_buys.leads(TUNED, FROZEN, "fresh")


def curves() -> pd.DataFrame:
    """Per cent right at each number of labels, for fine-tuning and two rivals."""
    return what_it_buys.curves([WORDS, FROZEN, TUNED])


def seconds() -> pd.Series:
    """Mean processor seconds of training at 1,024 labels, by model."""
    rows = clean()
    return rows[rows["n"] == CLEAN].groupby("model")["cpu_seconds"].mean()


def tuned_runs() -> pd.DataFrame:
    """The runs of fine-tuning on right labels with the settings that were kept, one row each."""
    rows = what_it_buys.complete()
    return rows[(rows["model"] == TUNED) & (rows["flipped"] == 0) & (rows["variant"] == "")]


def lost_by_noise() -> pd.DataFrame:
    """What wrong labels cost fine-tuning at 1,024 labels, by their share."""
    rows = what_it_buys.complete()
    noisy = rows[(rows["model"] == TUNED) & (rows["flipped"] > 0)]["flipped"].unique()
    right = what_it_buys.hits(TUNED, CLEAN)
    found = {
        share: what_it_buys.lead(right, what_it_buys.hits(TUNED, CLEAN, flipped=share))
        for share in sorted(map(int, noisy))
    }
    return pd.DataFrame(found).T


def without_pretraining() -> pd.DataFrame:
    """What the same network from random weights lacks, at each size that was tried."""
    return what_it_buys.leads(TUNED, RANDOM)


def gains_in_a_minute() -> pd.Series:
    """Points gained in notebook 00's minute of training, one value for each recorded run."""
    rows = table("notebook_bands").query("notebook == '00_start_here'")
    wide = rows.pivot_table("value", ["processor", "seed"], "quantity")
    return 100 * (wide["tuned"] - wide["untrained"]).dropna()


def faithful() -> pd.DataFrame:
    """How much further than by a random order the probability falls, by method."""
    return explanations.areas("comprehensiveness", beside=explanations.RANDOM)


def news_leads() -> pd.DataFrame:
    """Leads of fine-tuning with a hundred articles, over word counts and frozen features."""
    with redirect_stdout(StringIO()):
        news = corpora.load("news")
    labels = np.concatenate([news[part]["label"][:] for part in ("train", "test")])
    rivals = ("TF-IDF", "frozen 512")
    return news_draws.leads(labels, [("fine-tuned 512", rival) for rival in rivals])


def tweets(source: str, model: str = "mse") -> Callable[[], pd.DataFrame]:
    """A reader: the figures on tweets of a model that learned from one domain, by seed."""
    return lambda: domains.by_seed((model, source), "tweets")


@cache
def rated() -> pd.DataFrame:
    """The test sentences of notebook 09, with the names of their domains."""
    with redirect_stdout(StringIO()):
        test = corpora.load("ratings")["test"]
    return test.to_pandas().assign(domain=np.array(domains.DOMAINS)[test["domain"][:]])


def on_tweets(rival: tuple, measure: str = "pearson") -> pd.Series:
    """By how much fine-tuning on tweets leads another way of `domains` there."""
    return domains.lead(rated(), ("mse", "tweets"), rival, "tweets", measure)


def tweet_leads() -> pd.DataFrame:
    """By how much fine-tuning on tweets leads each rival there, in Pearson's r."""
    rivals = {WORDS: ("tf-idf", "tweets"), FROZEN: ("frozen", "tweets"), "VADER": domains.VADER}
    return pd.DataFrame({name: on_tweets(way) for name, way in rivals.items()}).T


def at_home() -> pd.DataFrame:
    """Pearson's r by the domain that a model learned from (rows) and is asked about (columns)."""
    return pd.DataFrame(
        {
            target: {
                source: domains.by_seed(("mse", source), target)["pearson"].mean()
                for source in domains.DOMAINS
            }
            for target in domains.DOMAINS
        }
    )


def epochs() -> pd.DataFrame:
    """Validation loss and accuracy after each epoch with all labels, one row for each seed."""
    rows = table("review_accuracy")
    rows = rows[(rows["part"] == "choose") & (rows["name"] == "all weights, 1e-4")]
    return rows.pivot(
        index="seed", columns="epoch", values=["validation_loss", "validation_accuracy"]
    )


def steps_at_64() -> pd.DataFrame:
    """Validation accuracy with 64 labels: a row for each least number of steps, two draws."""
    rows = what_it_buys.counts("validation")
    return rows[rows["n"] == 64].pivot(index="steps", columns="seed", values="accuracy")


def two_rates() -> pd.DataFrame:
    """Notebook 04's accuracy after one epoch, at its rate and at ten times that, by run."""
    rows = table("notebook_bands").query("notebook == '04_fine_tuning_loop'")
    return rows.pivot_table("value", ["processor", "seed"], "quantity")[
        ["after_bare_loop", "after_high"]
    ]


def winner() -> dict[str, float]:
    """The best of twelve settings: its lead on validation, and that on the test part."""
    tried = what_it_buys.tries().groupby("model")["accuracy"].max()
    pair = [what_it_buys.hits(m, 256, variant=what_it_buys.SEARCHED) for m in (TUNED, FROZEN)]
    return {"validation": tried[TUNED] - tried[FROZEN], **what_it_buys.lead(*pair)}


def after_messages() -> pd.Series:
    """Right answers of 105 after an epoch of messages and one of answers, by seed."""
    return table(instruction_tuning.RAW).set_index("seed")["exact_answers"]


def after_answers() -> pd.Series:
    """Right answers of 105 after one epoch of answers alone, by seed."""
    way = instruction_tuning.WAYS["SmolLM2, LoRA, one epoch"]
    runs = table(instruction_tuning.RUNS)
    found = instruction_tuning.matching(runs, task="word", labels="right", **way)
    return found.set_index("seed")["exact"]


def answers() -> pd.DataFrame:
    """Exact answers to the test messages by every model, with intervals."""
    return instruction_tuning.compared()


def pointing() -> pd.Series:
    """By how much pointing to the answer leads never giving one, in exact answers."""
    with redirect_stdout(StringIO()):
        scores = other_tasks.answers(exact_match)
    return other_tasks.lead(scores, other_tasks.FULL, "never an answer")


def translated() -> pd.Series:
    """Per cent of exact translations `before` and `after` the training, means of the seeds."""
    models = {"before": other_tasks.BEFORE, "after": other_tasks.LANGUAGE_MODEL}
    return pd.Series({k: other_tasks.translations(m)["exact"].mean() for k, m in models.items()})


def subject_lines() -> pd.Series:
    """By how much written subject lines lead the first words of the message, in ROUGE-L."""
    with redirect_stdout(StringIO()):
        scores = other_tasks.rouge_l("subject")
    return other_tasks.lead(scores, other_tasks.LANGUAGE_MODEL, "first words")
