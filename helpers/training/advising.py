"""What a run's own curve says about its recipe."""

from dataclasses import replace

from helpers.training.config import TrainingConfig, TrainingRun

HARDLY = 0.05  # a training loss that fell by less than this share has hardly fallen
HIGH_RATE = 3e-4  # from here on a loss that does not fall is as likely to come from too high a rate
STEP = 3  # the next rate to try is so many times as high, or as low


def advice(run: TrainingRun) -> str:
    """What to try next, in one or two sentences; "" if the curve suggests nothing, or is not whole.

    No label given where there may be several: many more epochs. A training loss that hardly fell:
    another learning rate. The first of several epochs was the best, also by the validation loss: a
    lower one. The last was the best: more epochs. It reads training and validation only.
    """
    return suggestion(run)[0]


def next_config(run: TrainingRun) -> TrainingConfig | None:
    """The hyperparameters that `advice` names, with all others as they were; None if it is ""."""
    return suggestion(run)[1]


def suggestion(run: TrainingRun) -> tuple[str, TrainingConfig | None]:
    """What `advice` says, and the hyperparameters that it names."""
    if not run.rows or not run.finished:
        return "", None
    several, lowest = len(run.rows) > 1, lowest_loss(run)
    always_last = run.config.best_metric == "epoch"  # that one stays, whatever the curve says
    by = "had the lowest validation loss" if always_last else "stayed"
    best = lowest if always_last else run.best_epoch
    if gives_no_label(run):
        return longer(
            run,
            4,
            "No text is given any label of its own yet: all probabilities are below 0.5. Where "
            "texts have several labels, that takes longer.",
        )
    if several and hardly_fell(run):
        return for_a_flat_curve(run)
    if several and best == 1 < lowest:
        # A metric of yes and no can be high before anything is learned: all get the same answer.
        best, by = lowest, "had the lowest validation loss"
    if several and best == 1:
        lower = written(run.config.learning_rate / STEP)
        return (
            f"The first of {len(run.rows)} epochs {by}: the model overfits from the start. Lower "
            f"the learning rate: learning_rate = {lower}."
        ), replace(run.config, learning_rate=float(lower))
    if best == len(run.rows):
        last = f"The last of {len(run.rows)} epoch(s) {by}: the curve may not be at its end."
        return longer(run, 2, last)
    return "", None


def longer(run: TrainingRun, times: int, why: str) -> tuple[str, TrainingConfig]:
    """The suggestion to train so many times as long."""
    more = times * len(run.rows)
    return (
        f"{why} Train longer: epochs = {more}, or resume(…, epochs={more}) if the run was stored."
    ), replace(run.config, epochs=more)


def lowest_loss(run: TrainingRun) -> int:
    """Number (from 1) of the earliest epoch with the lowest validation loss."""
    return replace(run, config=replace(run.config, best_metric="validation_loss")).best_epoch


def gives_no_label(run: TrainingRun) -> bool:
    """Whether texts may have several labels, and the epoch that stayed gives no right one."""
    return run.rows[run.best_epoch - 1].get("micro_f1") == 0


def hardly_fell(run: TrainingRun) -> bool:
    """Whether the training loss of the last epoch is about that of the first."""
    first, last = (run.rows[place]["train_loss"] for place in (0, -1))
    return not first - last >= HARDLY * abs(first)


def for_a_flat_curve(run: TrainingRun) -> tuple[str, TrainingConfig]:
    """The suggestion where the training loss hardly fell."""
    rate, seen = run.config.learning_rate, "The training loss hardly fell. "
    doubt = " If it then does not fall either, the texts may not tell the labels apart."
    if rate < HIGH_RATE:
        other, do = rate * STEP, "Raise the learning rate"
    else:
        other, do = rate / STEP**2, "The learning rate is probably too high"
    said = f"{seen}{do}: learning_rate = {written(other)}.{doubt}"
    return said, replace(run.config, learning_rate=float(written(other)))


def written(rate: float) -> str:
    """A learning rate with one digit: 3e-05."""
    return f"{rate:.0e}"
