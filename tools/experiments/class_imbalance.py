"""What rare positives do to a fine-tuned model, and what weights and resampling change.

    python3 tasks.py study 05 [--limit N] [--processes N]

Each run trains on 1,000 negative and 100 positive reviews, drawn by its seed, and is scored on all
validation reviews: five seeds of each way of training, and a control with shuffled labels. A row a
run in data/measured/class_imbalance.csv.
"""

from helpers.measured.class_imbalance import (
    CONTROL,
    WAYS,
    run,
)
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "class_imbalance.csv"


def main() -> None:
    """Run what is not there yet."""
    planned = [{"way": way, "seed": seed} for seed in range(5) for way in (*WAYS, CONTROL)]
    runs.drive(planned, run, RESULTS, **runs.options(__doc__))


if __name__ == "__main__":
    main()
