"""The recorded scores as the interactive figures of notebook 05 read them.

    python -m tools.experiments.score_tables

Writes `helpers/widgets/static/scores.json.gz`: for each validation review its label and its score,
z1 − z0 after epoch 1, from data/measured/evaluation_logits.csv; and `calibration.json.gz`: the
scores after epochs 1 and 3. Nothing is computed anew.
"""

import gzip
import json

from helpers import measured, widgets
from tools.experiments.provenance import write_page

TABLES = widgets.STATIC / "scores.json.gz"
BY_EPOCH = widgets.STATIC / "calibration.json.gz"


def tables(epoch: int = 1) -> dict[str, list]:
    """Labels and scores in the order of the reviews."""
    rows = measured.table("evaluation_logits")
    rows = rows[rows["part"] == "validation"]
    scores = (rows[f"epoch{epoch}_logit1"] - rows[f"epoch{epoch}_logit0"]).round(3)
    return {"labels": rows["label"].tolist(), "scores": scores.tolist()}


def by_epoch() -> dict[str, list | dict[str, list]]:
    """Labels, and the scores after epochs 1 and 3."""
    scores = {str(epoch): tables(epoch)["scores"] for epoch in (1, 3)}
    return {"labels": tables()["labels"], "scores": scores}


def main() -> None:
    """Compress and write."""
    for path, found in ((TABLES, tables()), (BY_EPOCH, by_epoch())):
        content = json.dumps(found, separators=(",", ":")).encode()
        write_page(path, gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    main()
