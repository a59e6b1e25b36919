"""Draws docs/readme.png from recorded results: one sentence on its way, and what training bought.

python -m tools.experiments.readme_picture
"""

import io

import matplotlib.pyplot as plt

from helpers import checkpoints, downloads, plots
from tools.experiments import review_accuracy
from tools.experiments.provenance import write_page

SENTENCE = "an unwatchable film ."


def main() -> None:
    """Left: the sentence as text, tokens, ids, logits. Right: accuracies on the test part."""
    tokenizer = checkpoints.load_tokenizer()
    ids = tokenizer(SENTENCE)["input_ids"]
    rows = review_accuracy.done()
    test = rows[(rows["part"] == "test") & (rows["epoch"] == rows["best_epoch"])]
    accuracy = test["test_accuracy"]

    figure, (way, gain) = plots.new(10, 3.2, columns=2, width_ratios=[1.5, 1])
    steps = [
        ("text", SENTENCE),
        ("tokens (01)", "  ".join(tokenizer.convert_ids_to_tokens(ids))),
        ("ids (01)", "  ".join(map(str, ids))),
        ("vectors (02)", f"{len(ids)} × 384 numbers, six layers of attention"),
        ("logits (02)", "one number for each class"),
        ("training (04)", "loss, gradients, a step; again and again"),
    ]
    for place, (name, content) in enumerate(steps):
        way.text(0, -place, name, color=plots.BLUE, weight="bold", va="center")
        way.text(0.23, -place, content, va="center", family="monospace", fontsize=9)
        if place:
            way.annotate(
                "", (0.19, -place + 0.22), (0.19, -place + 0.78), arrowprops={"arrowstyle": "->"}
            )
    way.set(xlim=(0, 1), ylim=(-len(steps) + 0.5, 0.5))
    way.axis("off")

    plots.bars(gain, ["a coin", "fine-tuned"], [0.5, accuracy.mean()], written="{:.1%}")
    gain.errorbar(
        accuracy.mean(),
        0,
        xerr=[[accuracy.mean() - accuracy.min()], [accuracy.max() - accuracy.mean()]],
        color=plots.BLACK,
        capsize=4,
    )
    n = int(test["test_n"].iloc[0])
    gain.set(xlim=(0, 1.1), xlabel=f"test accuracy, n = {n:,}\n(range of {len(test)} seeds)")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=100, metadata={"Software": None})
    write_page(downloads.ROOT / "data" / "readme.png", picture.getvalue())
    plt.close(figure)


if __name__ == "__main__":
    main()
