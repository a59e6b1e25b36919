"""What rare positives do to a fine-tuned model, and what weights and resampling change.

    python3 tasks.py study 05 [--limit N] [--processes N]

Each run trains on 1,000 negative and 100 positive reviews, drawn by its seed, and is scored on all
validation reviews: five seeds of each way of training, and a control with shuffled labels. A row a
run in data/measured/class_imbalance.csv.

Notebook 05 trains one run more, with a weighted loss and a seed of its own. The same seed without
the weights is recorded, too, in data/measured/class_imbalance_live.csv: what it is compared with.
"""

from helpers.measured.class_imbalance import (
    CONTROL,
    WAYS,
    run,
)
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "class_imbalance.csv"
LIVE = MEASURED / "class_imbalance_live.csv"
LIVE_SEED = 100


def main() -> None:
    """Run what is not there yet."""
    planned = [{"way": way, "seed": seed} for seed in range(5) for way in (*WAYS, CONTROL)]
    options = runs.options(__doc__)
    runs.drive(planned, run, RESULTS, **options)
    runs.drive([{"way": "as it is", "seed": LIVE_SEED}], run, LIVE, **options)


if __name__ == "__main__":
    main()
