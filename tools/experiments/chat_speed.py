"""How fast are `chat.fine_tune` and `chat.generate` beside trl and the library's `generate`?

    python -m tools.experiments.chat_speed                three rounds, then chat_speed.md
    python -m tools.experiments.chat_speed try            other settings of trl, once each
    python -m tools.experiments.chat_speed report         write chat_speed.md anew

A run is a process of its own. Training: SmolLM2, once over the same messages of `train`, batches
of eight, LoRA (rank 16 in all linear layers) or all weights. Writing: 24 tokens for each of the
same messages, by the model as it came. A round holds every configuration once, so that a machine
that slows down slows all of them. The clock runs from conversations and a loaded model to trained
weights, or to texts. Large memory pages, which `helpers` asks for, are off for the library.

trl's defaults train every token, in bf16 and with the forward pass computed twice (gradient
checkpointing); they do not run on a CPU without `use_cpu`, so that is set. Its best settings are
those found by trying: fp32, answers only, as we train; no checkpointing; texts of like length
together.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import chat, checkpoints, lora, runtime, training
from helpers.chat import course
from tools.experiments import runs
from tools.experiments.provenance import (
    MEASURED,
    PAGES,
    by_processor,
    machine,
    markdown,
    provenance,
    spread,
    write_page,
)
from tools.experiments.where_time_goes import product_speed

RESULTS, TRIALS = MEASURED / "chat_speed.csv", MEASURED / "chat_speed_tried.csv"
PAGE = PAGES / "chat_speed.md"
ROUNDS, CONVERSATIONS, BATCH = 3, 48, 8
NEW_TOKENS = 24
RATE = {"LoRA": 1e-3, "all weights": 1e-4}

ANSWERS_ONLY = {"assistant_only_loss": True, "gradient_checkpointing": False, "bf16": False}
BEST = ANSWERS_ONLY | {"train_sampling_strategy": "group_by_length"}
TRAINING: dict[str, tuple[str, dict]] = {
    "trl, defaults": ("trl", {}),
    "trl, best": ("trl", BEST),
    "chat.fine_tune, fp32": ("ours", {"precision": "fp32"}),
    "chat.fine_tune, defaults": ("ours", {}),
}
# What was tried once with LoRA, before and after "trl, best", to see whether that is the best.
TRIED = {
    "trl, best, bf16": ("trl", BEST | {"bf16": True}),
    "trl, best, not grouped": ("trl", ANSWERS_ONLY),
}
WRITING = ("generate, one at a time", "generate, batched", "chat.generate")
FIGURES = (
    "seconds",
    "peak_memory_mb",
    "trained",
    "loss_after",
    "answer_tokens",
    "work_share",
    "written",
    "texts",
)
# What each is compared with.
RIVALS = {
    "trl, defaults": ("trl, defaults", "trl, best"),
    "generate": WRITING[:2],
}


def conversations() -> Dataset:
    """The first of the train messages, with their answers."""
    datasets, names = course.load()
    return course.sorting(datasets["train"].select(range(CONVERSATIONS)), names)


def by_trl(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    part: Dataset,
    weights: str,
    seed: int,
    **options,
) -> dict:
    """Once over the conversations with trl's SFTTrainer; LoRA by peft."""
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    adapter = None
    if weights == "LoRA":
        size = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}  # as `lora.add` has them
        adapter = LoraConfig(task_type="CAUSAL_LM", **size)
    if options.get("assistant_only_loss"):
        tokenizer.chat_template = marked(tokenizer.chat_template)
    with tempfile.TemporaryDirectory() as folder, runtime.timer() as took:
        arguments = SFTConfig(
            output_dir=folder,
            use_cpu=True,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            learning_rate=RATE[weights],
            seed=seed,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            **options,
        )
        trainer = SFTTrainer(
            model, arguments, train_dataset=part, processing_class=tokenizer, peft_config=adapter
        )
        trainer.train()
    return {"seconds": took["seconds"], "trained": count_trained(trainer.model)}


def marked(template: str) -> str:
    """SmolLM2's template with its answers marked, as trl wants it; the text stays the same."""
    old = "message['content'] + '<|im_end|>' + '\n'}}"
    new = (
        "''}}{% if message['role'] == 'assistant' %}{% generation %}"
        "{{message['content'] + '<|im_end|>'}}{% endgeneration %}"
        "{% else %}{{message['content'] + '<|im_end|>'}}{% endif %}{{'\n'}}"
    )
    assert old in template
    return template.replace(old, new)


def by_fine_tune(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    part: Dataset,
    weights: str,
    seed: int,
    **options,
) -> dict:
    """Once over the conversations with the course's loop, and one conversation as validation."""
    with runtime.timer() as took:
        if weights == "LoRA":
            lora.add(model, seed=seed)
        settings = chat.learning.DEFAULTS | {"learning_rate": RATE[weights], "epochs": 1}
        config = training.TrainingConfig(**settings, seed=seed, **options)
        chat.fine_tune(model, tokenizer, part, part.select(range(1)), config)
    return {"seconds": took["seconds"], "trained": count_trained(model)}


def count_trained(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


LOOPS: dict[str, Callable[..., dict]] = {"trl": by_trl, "ours": by_fine_tune}


def train(name: str, weights: str, seed: int) -> dict:
    """One run: seconds, and the loss that the trained model has on what it was trained on."""
    part = conversations()
    tokenizer, model = checkpoints.load_causal()
    loop, options = (TRAINING | TRIED)[name]
    examples = chat.examples_of(part, tokenizer)
    needed = work(model, examples, weights)
    row = LOOPS[loop](model, tokenizer, part, weights, seed, **options)
    row["peak_memory_mb"] = runtime.memory_mb()
    row["loss_after"] = chat.mean_loss(chat.foresee(model, tokenizer, examples, "fp32")).item()
    row["answer_tokens"] = sum(label != chat.IGNORED for e in examples for label in e.labels)
    row["work_share"] = needed / row["seconds"] / limit()
    return row


def work(model: PreTrainedModel, examples: list[chat.Example], weights: str) -> float:
    """Floating-point operations that a plain loop needs for these conversations, unpadded.

    Two for each weight of the layers and each token, forward; backward the same for the gradients
    of what goes in, and once more for those of the weights if all are trained. Attention's own
    products and the vocabulary, which only answers need, are left out: 2 and 1 % here.
    """
    layers = sum(p.numel() for n, p in model.base_model.named_parameters() if "proj" in n)
    tokens = sum(len(example.input_ids) for example in examples)
    return (4 if weights == "LoRA" else 6) * layers * tokens


def limit() -> float:
    """The fastest fp32 product of this machine, in operations a second."""
    return max(product_speed(torch.float32, size, size, size) for size in (512, 1024, 2048))


def write(name: str, weights: str, seed: int) -> dict:
    """One run: seconds and written tokens."""
    part = conversations()
    tokenizer, model = checkpoints.load_causal()
    prompts = [chat.prompt_of(conversation) for conversation in part["messages"]]
    with runtime.timer() as took:
        if name == "chat.generate":
            answers = [a.ids for a in chat.generate(model, tokenizer, prompts, NEW_TOKENS)]
        else:
            at_once = 1 if name.endswith("one at a time") else 32
            answers = by_generate(model, tokenizer, prompts, at_once)
    texts = [tokenizer.decode(ids, skip_special_tokens=True) for ids in answers]
    return {
        "seconds": took["seconds"],
        "peak_memory_mb": runtime.memory_mb(),
        "written": sum(map(len, answers)),
        "texts": runs.files.sha256_bytes(json.dumps(texts).encode())[:12],
    }


def by_generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list, at_once: int
) -> list[list[int]]:
    """The library's greedy answers, its prompts padded at the left."""
    tokenizer.padding_side, found = "left", []
    for start in range(0, len(prompts), at_once):
        given = tokenizer.apply_chat_template(
            prompts[start : start + at_once],
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            padding=True,
        )
        made = model.generate(**given, max_new_tokens=NEW_TOKENS, do_sample=False)
        for ids in made[:, given["input_ids"].shape[1] :].tolist():
            end = tokenizer.eos_token_id
            found.append(ids[: ids.index(end) + 1] if end in ids else ids)
    return found


def planned() -> list[tuple[str, str]]:
    """Every configuration: its name, and what is trained ("none" for writing)."""
    both = [(name, weights) for weights in RATE for name in TRAINING]
    return both + [(name, "none") for name in WRITING]


def trials() -> list[tuple[str, str]]:
    """What is tried: the best, the others, and the best again."""
    return [(name, "LoRA") for name in ("trl, best", *TRIED, "trl, best")]


def run_round(seed: int, configurations: list[tuple[str, str]], results: Path) -> None:
    """Each configuration once, in a fresh process; a finished run is a row at once."""
    for name, weights in configurations:
        command = [sys.executable, "-m", "tools.experiments.chat_speed", "one"]
        command += ["--name", name, "--weights", weights, "--seed", str(seed)]
        environment = runs.environment(ours=name.startswith("chat."))
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, encoding="locale", env=environment
        )
        row = json.loads(done.stdout.splitlines()[-1])
        runs.append(results, row)
        print(f"{seed}  {name:28}{weights:12}{row['seconds']:8.1f} s", flush=True)


def one(name: str, weights: str, seed: int) -> dict:
    """A run in this process, as a row with provenance."""
    row = (write if weights == "none" else train)(name, weights, seed)
    figures = {key: round(v, 4) if isinstance(v, float) else v for key, v in row.items()}
    empty = dict.fromkeys(FIGURES, "")
    return {"name": name, "weights": weights, "seed": seed} | empty | figures | provenance()


def speeds(rows: pd.DataFrame) -> pd.Series:
    """Conversations a second."""
    return CONVERSATIONS / rows["seconds"]


def times_as_fast(rows: pd.DataFrame, rival: str) -> pd.Series:
    """Speed over that of the rival with the same weights in the same round."""
    keys = ["weights", "seed"]
    of = rows[rows["name"] == rival].set_index(keys)["seconds"]
    own = rows.set_index(keys)["seconds"]
    return pd.Series((of.reindex(own.index) / own).to_numpy(), index=rows.index)


def training_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Medians and ranges over the rounds, one row per configuration that trains."""
    lines = {}
    for weights in RATE:
        of = rows[rows["weights"] == weights]
        rivals = RIVALS["trl, defaults"]
        of = of.assign(speed=speeds(of), **{rival: times_as_fast(of, rival) for rival in rivals})
        for name, group in ((n, of[of["name"] == n]) for n in TRAINING):
            lines[f"{name}; {weights}"] = {
                "conversations/s": spread(group["speed"], "{:.1f}"),
                "answer tokens/s": f"{(group['answer_tokens'] / group['seconds']).median():.1f}",
                **{f"times `{rival}`": spread(group[rival]) for rival in rivals},
                "peak memory, MB": f"{group['peak_memory_mb'].max():.0f}",
                "loss after": spread(group["loss_after"]),
                "of the limit": f"{group['work_share'].median():.0%}",
            }
    return pd.DataFrame(lines).T.rename_axis("configuration")


def writing_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The same for the configurations that write."""
    lines, of = {}, rows[rows["weights"] == "none"]
    of = of.assign(
        speed=of["written"] / of["seconds"],
        **{rival: times_as_fast(of, rival) for rival in RIVALS["generate"]},
    )
    for name, group in ((n, of[of["name"] == n]) for n in WRITING):
        lines[name] = {
            "tokens/s": spread(group["speed"], "{:.0f}"),
            **{f"times `{rival}`": spread(group[rival]) for rival in RIVALS["generate"]},
            "peak memory, MB": f"{group['peak_memory_mb'].max():.0f}",
            "texts": ", ".join(sorted(set(group["texts"]))),
        }
    return pd.DataFrame(lines).T.rename_axis("configuration")


def report() -> str:
    """The page: what was measured, and a table of both kinds for each processor."""
    head = [
        "# Instruction tuning beside trl, and writing beside `generate`\n",
        (__doc__ or "").split("\n\n", 2)[2].strip() + "\n",
        "*Times* are medians over the rounds, lowest and highest in brackets. *Loss after* is that "
        "of the trained model on the answers it was trained on, computed in the same way for all. "
        "Our learning rate warms up and trl's does not, and the batches come in another order, so "
        "after six steps the losses differ. (In notebook 12, with equal settings, they are equal.) "
        "*Of the limit*: the operations that a plain loop needs, in the time that was taken, as a "
        "share of the fastest fp32 product of this machine. What our loop saves, by reading the "
        "common beginning of a batch once, counts as work done here. Equal *texts* (a short hash) "
        "mean that the same was written.\n",
    ]
    return by_processor("\n".join(head), RESULTS, of_processor)


def of_processor(rows: pd.DataFrame) -> str:
    """Where one processor's rows were measured, their two tables, and what was tried there."""
    parts = [f"## {machine(rows)}", markdown(training_table(rows)), markdown(writing_table(rows))]
    tried = pd.read_csv(TRIALS)
    tried = tried[tried["processor"] == rows["processor"].iloc[0]]
    if len(tried):
        pairs = zip(tried["name"], tried["seconds"], strict=True)
        took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in pairs)
        parts.append(f"Other settings of trl, tried one after another with LoRA: {took}.")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure or report."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("what", nargs="?", default="run", choices=["run", "try", "one", "report"])
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    asked.add_argument("--name", choices=[*TRAINING, *TRIED, *WRITING])
    asked.add_argument("--weights", choices=[*RATE, "none"])
    asked.add_argument("--seed", type=int, default=0)
    options = asked.parse_args()
    if options.what == "one":
        print(json.dumps(one(options.name, options.weights, options.seed)))
        return
    if options.what == "run":
        for seed in range(options.rounds):
            run_round(seed, planned(), RESULTS)
    if options.what == "try":
        run_round(0, trials(), TRIALS)
    write_page(PAGE, report())


if __name__ == "__main__":
    main()
