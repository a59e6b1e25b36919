"""Draws docs/readme.png from recorded results: how many test sentences each model gets right.

python -m tools.experiments.readme_picture
"""

import io

import matplotlib.pyplot as plt

from helpers import downloads, measured, plots
from tools.experiments import review_accuracy
from tools.experiments.provenance import write_page

COLOURS = {"guessing": plots.GREY, "counting words": plots.ORANGE, "fine-tuned BERT": plots.BLUE}


def shares() -> dict[str, float]:
    """Share of the test sentences that each model gets right, all trained on the same 5,970."""
    rows = review_accuracy.done()
    tuned = rows[(rows["part"] == "test") & (rows["epoch"] == rows["best_epoch"])]
    words = measured.table("what_it_buys").query(
        "scored == 'test' and model == 'tf-idf' and n == 5970 and flipped == 0"
    )
    return {
        "guessing": 0.5,
        "counting words": (words["right"] / words["of"]).item(),
        "fine-tuned BERT": tuned["test_accuracy"].mean(),
    }


def main() -> None:
    """Three bars, in letters that can be read on a phone."""
    found = shares()
    with plt.rc_context({"font.size": 17}):
        figure, axes = plots.new(9, 3.6)
        places = range(len(found))[::-1]
        axes.barh(places, found.values(), color=[COLOURS[name] for name in found], height=0.72)
        for place, (name, share) in zip(places, found.items(), strict=True):
            written = f"{share:.0%}" if name == "guessing" else f"{share:.1%}"
            axes.text(share + 0.01, place, written, va="center", weight="bold")
        axes.set_yticks(places, found)
        axes.set(xlim=(0, 1), xticks=[])
        axes.set_title("Film-review sentences judged right", loc="left", fontsize=19)
        axes.tick_params(labelsize=18, length=0)
        axes.spines[:].set_visible(False)
        axes.grid(False)
        picture = io.BytesIO()
        figure.savefig(picture, dpi=130, metadata={"Software": None})
    write_page(downloads.ROOT / "docs" / "readme.png", picture.getvalue())
    plt.close(figure)


if __name__ == "__main__":
    main()
