"""What rare positives do to a fine-tuned model, and what weights and resampling change.

    python3 tasks.py study 05 [--limit N] [--processes N]

Each run trains on 1,000 negative and 100 positive reviews, drawn by its seed, and is scored on all
validation reviews: five seeds of each way of training, and a control with shuffled labels. A row a
run in data/measured/class_imbalance.csv, with the score of every review: so that a threshold can be
moved afterwards, and two ways compared sentence by sentence. (The recorded runs of the control are
older: they kept only their counts and AUC, and ran on another kind of processor.)

Notebook 05 trains one run more, with a weighted loss and a seed of its own. The same seed without
the weights is recorded, too, in data/measured/class_imbalance_live.csv: what it is compared with.
"""

from helpers.measured.class_imbalance import CONTROL, WAYS, run
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "class_imbalance.csv"
LIVE = MEASURED / "class_imbalance_live.csv"
LIVE_SEED = 100


def main() -> None:
    """Run what is not there yet."""
    planned = [{"way": way, "seed": seed} for way in (*WAYS, CONTROL) for seed in range(5)]
    options = runs.options(__doc__)
    live = [{"way": "as it is", "seed": LIVE_SEED}]
    options["limit"] -= runs.drive(live, run, LIVE, **options)
    runs.drive(planned, run, RESULTS, **options)


if __name__ == "__main__":
    main()
