"""The sentences of page and card: how the model was made, on what data, what is not known."""

from dataclasses import asdict

from helpers import runtime, training
from helpers.report.results import Result, thresholds_by_name


def settings(result: Result) -> list[str]:
    """How the model was made: its checkpoint, hyperparameters and package versions."""
    values = [f"{name} {value}" for name, value in asdict(result.run.config).items()]
    versions = [f"{name} {version}" for name, version in runtime.versions().items()]
    stayed = f"epoch {result.run.best_epoch} of {result.run.epoch} stayed"
    searched = f"chosen among {result.run.tried} configurations, by {result.run.config.best_metric}"
    searched = [f"{searched} on the validation part"] if result.run.tried else []
    made = [f"checkpoint {result.base_model}; {stayed}", ", ".join(values)]
    return [*made, *searched, ", ".join(versions)]


def sizes(result: Result) -> str:
    """One sentence: how many rows there are, and where they went."""
    mine = result.mine
    parts = ", ".join(f"{part} {len(rows):,}" for part, rows in mine.datasets.items())
    return f"{mine.file}: {mine.rows:,} rows, {len(mine.dropped):,} left out; {parts}."


def explained(result: Result) -> str:
    """What the figures mean, and what the brackets hold."""
    if result.mine.multi_label:
        own = ", ".join(thresholds_by_name(result))
        chosen = f"; for {own}, at least the threshold of that label" if own else ""
        return (
            "Micro F1 takes every decision for a label alike, macro F1 every label; exact match is "
            "the share of texts with just the labels that they should have. A label is given if "
            f"its probability is at least 0.5{chosen}. In brackets 95 % intervals: BCa for F1, "
            "Wilson for exact match and recall."
        )
    if result.mine.names:
        return "In brackets 95 % intervals: Wilson for accuracy and recall, BCa for macro F1."
    return (
        "MAE is the mean distance of prediction and label, RMSE the root of the mean squared "
        "distance, both in the labels' unit; r is Pearson's. In brackets 95 % intervals (BCa)."
    )


def explained_differences(result: Result) -> str:
    """What the table of differences shows, and how to read it."""
    first, *others = result.outputs
    gain = "points of accuracy" if result.mine.names else "mean absolute error saved"
    gain = "points of micro F1" if result.mine.multi_label else gain
    return (
        f"How far {first} is ahead of each other model on the same texts, in {gain}. The rival is "
        f"{others[0]}; the other rows are for looking, and the more one looks, the more is luck."
    )


def worst(result: Result) -> str:
    """Which errors come first: of names the surest, of numbers the largest."""
    return "surest" if result.mine.names else "largest"


def limits(result: Result) -> list[str]:
    """What the figures do not say."""
    cut = [training.truncation_notice(result.run)] if result.run.cut >= training.NOTABLE_CUT else []
    return [
        *cut,
        "The intervals cover one kind of chance: which test texts there happen to be. They do not "
        "cover the chance in the training run or in the split.",
        "The intervals count each text as independent of the others. Where several come from one "
        "person or document, the true intervals are wider.",
        "Texts of another time, place or kind may do worse.",
        "A wrong label counts as an error of the model. "
        f"Read the {worst(result)} errors: the model may be right in some.",
        "Once you choose by these figures, the test part is used up.",
    ]
