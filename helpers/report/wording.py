"""What page and card both say: how the model came about, on what data, what is not known."""

from dataclasses import asdict

from helpers import runtime
from helpers.report.results import Result


def settings(result: Result) -> list[str]:
    """How the model came about: its checkpoint, its dials, the versions."""
    dials = [f"{name} {value}" for name, value in asdict(result.run.config).items()]
    versions = [f"{name} {version}" for name, version in runtime.versions().items()]
    stayed = f"epoch {result.run.best_epoch} of {result.run.epoch} stayed"
    return [f"checkpoint {result.base_model}; {stayed}", ", ".join(dials), ", ".join(versions)]


def sizes(result: Result) -> str:
    """One sentence: how many rows there are, and where they went."""
    mine = result.mine
    parts = ", ".join(f"{part} {len(rows):,}" for part, rows in mine.datasets.items())
    return f"{mine.file}: {mine.rows:,} rows, {len(mine.dropped):,} left out; {parts}."


def limits(result: Result) -> list[str]:
    """What the figures do not say."""
    return [
        "The intervals know the luck of having just these test texts. They do not know the luck of "
        "the training run or of the split.",
        "All parts come from one file. Texts of another time, place or kind may do worse.",
        "A wrong label counts as an error of the model. Read the surest errors: some may be right.",
        "Once you choose by these figures, the test part is used up.",
    ]
