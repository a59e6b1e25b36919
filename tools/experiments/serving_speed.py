"""What does it cost to serve a classifier by torch, ONNX Runtime or OpenVINO, and in int8?

    python -m tools.experiments.serving_speed                  three rounds, then the page
    python -m tools.experiments.serving_speed run --rounds 6   go on until six rounds are there
    python -m tools.experiments.serving_speed report           write serving_speed.md anew

It needs `pip install -r requirements/serving.txt`. One model, trained for one epoch and stored
(that of prediction_speed), is exported once in every way. A round holds every way once, each in a
process of its own, one later starting each time. There the clock runs from a list of texts to their
logits, tokenizing included: once for many texts, from the longest to the shortest in batches of 64,
and once for each of some texts alone. Memory is the largest that the process held, less what it
held before it loaded the model. Labels are those of the reviews' validation part; they are compared
with torch's in fp32, and with the right ones. int8 is calibrated on texts of the training part.

A second part asks the server over loopback, from a second process, with several clients at a time.

A round is kept as soon as it is finished. To measure anew, remove the CSV. `--sentences` and
`--rounds 1` try it in small; such rows are printed and not kept.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedTokenizerBase

from helpers import batching, corpora, downloads, files, runtime, serving, training
from tools.experiments import prediction_speed, runs
from tools.experiments.provenance import (
    MEASURED,
    PAGES,
    by_processor,
    machine,
    markdown,
    parser,
    provenance,
    spread,
    verdict,
    write_page,
)

RESULTS = MEASURED / "serving_speed.csv"
PAGE = PAGES / "serving_speed.md"
EXPORTS = downloads.ROOT / "outputs" / "serving_speed"
ROUNDS, SENTENCES, ALONE, CALIBRATION, WARM = 3, 3000, 200, 500, 64
CLIENTS, ASKED = 8, 400  # of the server

TORCH, REFERENCE = "torch", "torch, fp32"
# Every way: engine, precision, whether it is calibrated.
WAYS = {
    REFERENCE: (TORCH, "float32", False),
    "torch, bf16": (TORCH, "bfloat16", False),
    "ONNX Runtime, fp32": ("onnx", "float32", False),
    "OpenVINO, fp32": ("openvino", "float32", False),
    "OpenVINO, bf16": ("openvino", "bfloat16", False),
    "ONNX Runtime, int8, dynamic": ("onnx", "int8", False),
    "ONNX Runtime, int8, calibrated": ("onnx", "int8", True),
}
# An engine without `predict`, in the loop that its users write: what `predict` is held against.
DIRECT = {"ONNX Runtime, fp32, directly": "ONNX Runtime, fp32"}
DIRECT |= {"OpenVINO, bf16, directly": "OpenVINO, bf16"}
WAYS |= {name: WAYS[same] for name, same in DIRECT.items()}
BATCH = 64
# The server's ways: engine and precision as its command takes them.
SERVED = [REFERENCE, "torch, bf16", "ONNX Runtime, fp32", "OpenVINO, bf16"]
ARGUMENT = {"float32": "fp32", "bfloat16": "bf16"}


def place_of(name: str) -> Path:
    """Where the export of a way lies; for torch, the saved model."""
    engine, precision, calibrated = WAYS[name]
    if engine == TORCH:
        return prediction_speed.MODEL
    return EXPORTS / f"{engine}-{precision}{'-calibrated' * calibrated}"


def prepare(reviews: dict) -> None:
    """The trained model, and its exports: what is missing, or of an older model, is made."""
    model = prediction_speed.trained_model(reviews)
    samples = reviews["train"]["text"][:CALIBRATION]
    for name, (engine, precision, calibrated) in WAYS.items():
        if engine == TORCH or name in DIRECT or fits(place_of(name), model):
            continue
        serving.export(model, place_of(name), engine, precision, samples if calibrated else None)
        print(f"exported: {name}", flush=True)


def fits(place: Path, model: Path) -> bool:
    """Whether an export is there, and was made of this model."""
    try:
        serving.load_export(place, of=model)
    except files.StorageError:
        return False
    return True


def peak_mb() -> float:
    """The largest memory of this process, in MB (10^6 bytes), without that of its parent.

    What `runtime.memory_mb` asks for begins, on Linux, with the memory of whoever started it.
    """
    status = Path("/proc/self/status")
    found = (
        re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf8"))
        if status.exists()
        else None
    )
    return int(found[1]) * 1024 / 1e6 if found else runtime.memory_mb()


def megabytes(folder: Path) -> float:
    """Size of all files of a folder, MB (10^6 bytes)."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


# ---------------------------------------------------------------- one way, in a process of its own


def directly(
    model: serving.Exported, tokenizer: PreTrainedTokenizerBase, texts: list[str]
) -> np.ndarray:
    """Logits of texts by an engine alone: batches by length in characters, padded by the tokenizer.

    Returns:
        float32, (n, C), in the order of the texts.
    """
    logits = np.empty((len(texts), model.config.num_labels), np.float32)
    options = {"padding": True, "truncation": True, "max_length": tokenizer.model_max_length}
    for batch in batching.sorted_batches([len(text) for text in texts], BATCH):
        inputs = tokenizer([texts[i] for i in batch], return_tensors="np", **options)
        logits[batch] = model.compute(inputs)
    return logits


def one_way(name: str, texts: list[str], alone: list[str], labelled: list[str]) -> dict:
    """All that is measured of one way: figures, and the logits of the labelled texts.

    Args:
        name: of `WAYS`.
        texts: for the throughput.
        alone: for the latency, one by one.
        labelled: for the labels.
    """
    engine, precision, _ = WAYS[name]
    before = peak_mb()
    if engine == TORCH:
        tokenizer, model = training.load(place_of(name))
    else:
        tokenizer, model = serving.load_export(place_of(name))

    def logits_of(some: list[str]) -> np.ndarray:
        if name in DIRECT:
            return directly(model, tokenizer, some)
        return training.predict(model, tokenizer, some, precision=ARGUMENT.get(precision, "fp32"))

    logits_of(texts[:WARM])
    with runtime.timer() as took:
        logits_of(texts)
    seconds = []
    for text in alone:
        with runtime.timer() as one:
            logits_of([text])
        seconds.append(one["seconds"])
    return {
        "sentences": len(texts),
        "seconds_taken": round(took["seconds"], 3),
        "per_second": round(len(texts) / took["seconds"], 1),
        "p50_ms": round(1000 * float(np.percentile(seconds, 50)), 2),
        "p95_ms": round(1000 * float(np.percentile(seconds, 95)), 2),
        "memory_mb": round(peak_mb() - before, 1),
        "disk_mb": round(megabytes(place_of(name)), 1),
        "threads": torch.get_num_threads(),
        "logits": logits_of(labelled).tolist(),
    }


def apart(name: str, texts: list[str], alone: list[str], labelled: list[str]) -> dict:
    """`one_way` in a new process, so that its memory is its own."""
    code = "import json, sys; from tools.experiments import serving_speed as s; "
    code += "print(json.dumps(s.one_way(*json.load(sys.stdin))))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([name, texts, alone, labelled]),
        stdout=subprocess.PIPE,
        encoding="utf8",
        check=True,
        cwd=downloads.ROOT,
    ).stdout
    return json.loads(said.splitlines()[-1])


def run_round(number: int, texts: list[str], labelled: list[str], labels: list[int]) -> list[dict]:
    """Every way once: a row each, with what its labels are beside torch's in fp32."""
    names = list(WAYS)
    alone = texts[:: max(1, len(texts) // ALONE)][:ALONE]
    found = {}
    for name in names[number % len(names) :] + names[: number % len(names)]:
        found[name] = apart(name, texts, alone, labelled)
        print(f"{number}  {name:34}{found[name]['per_second']:8.1f} sentences/s", flush=True)
    logits = {name: np.asarray(found[name].pop("logits")) for name in names}
    rows = []
    for name in names:
        own, reference = logits[name].argmax(axis=1), logits[REFERENCE].argmax(axis=1)
        rows.append(
            {"stage": str(number), "configuration": name}
            | found[name]
            | {
                "compared": len(labelled),
                "labels_differ": int((own != reference).sum()),
                "right": int((own == np.asarray(labels)).sum()),
                "largest_difference": float(np.abs(logits[name] - logits[REFERENCE]).max()),
            }
            | provenance()
        )
    return rows


# ---------------------------------------------------------------- the server


def command_of(name: str) -> list[str]:
    """The words that start a server of this way."""
    engine, precision, _ = WAYS[name]
    words = [sys.executable, "-m", "helpers.serving", str(prediction_speed.MODEL), "--port", "0"]
    words += ["--precision", precision]
    return words if engine == TORCH else [*words, "--engine", engine]


def ask(port: int, texts: list[str]) -> list[float]:
    """Seconds of each answer to one client, which asks for one text after the other."""
    connection, seconds = http.client.HTTPConnection("127.0.0.1", port), []
    for text in texts:
        with runtime.timer() as took:
            connection.request("POST", "/predict", json.dumps({"text": text}))
            reply = connection.getresponse()
            reply.read()
        if reply.status != 200:
            raise RuntimeError(f"the server answered {reply.status}")
        seconds.append(took["seconds"])
    connection.close()
    return seconds


def load_test(number: int, name: str, texts: list[str], clients: int) -> dict:
    """A row: so many clients at a time ask a server in another process, one text per request."""
    with subprocess.Popen(
        command_of(name), stdout=subprocess.PIPE, encoding="utf8", cwd=downloads.ROOT
    ) as server:
        port = int(re.search(r":(\d+) ", server.stdout.readline())[1])
        ask(port, texts[:WARM])
        with ThreadPoolExecutor(clients) as pool, runtime.timer() as took:
            parts = [texts[i::clients] for i in range(clients)]
            seconds = [s for part in pool.map(lambda part: ask(port, part), parts) for s in part]
        server.terminate()
        server.communicate()  # what it says at its end
    return {
        "stage": f"server {number}",
        "configuration": f"{name}, {clients} clients",
        "sentences": len(texts),
        "seconds_taken": round(took["seconds"], 3),
        "per_second": round(len(texts) / took["seconds"], 1),
        "p50_ms": round(1000 * float(np.percentile(seconds, 50)), 2),
        "p95_ms": round(1000 * float(np.percentile(seconds, 95)), 2),
        "threads": torch.get_num_threads(),
    } | provenance()


# ---------------------------------------------------------------- rounds and report


def run(rounds: int, sentences: int, results: Path) -> None:
    """The rounds that are missing on this processor.

    Args:
        rounds: how many there shall be in the end.
        sentences: for the throughput.
        results: a CSV.
    """
    reviews = corpora.load("reviews")
    prepare(reviews)
    texts = sorted(reviews["train"]["text"][:sentences], key=len, reverse=True)
    labelled, labels = (reviews["validation"][column][:sentences] for column in ("text", "label"))
    asked = reviews["test"]["text"][: min(ASKED, sentences)]
    for number in range(rounds):
        rows = runs.read(results, ["stage", "processor"])
        here = set(rows.loc[rows["processor"] == runtime.processor(), "stage"].astype(str))
        if str(number) not in here:
            runs.append(results, *run_round(number, texts, labelled, labels))
        if f"server {number}" not in here:
            pairs = [(name, clients) for name in SERVED for clients in (1, CLIENTS)]
            turned = pairs[number % len(pairs) :] + pairs[: number % len(pairs)]
            runs.append(results, *[load_test(number, name, asked, n) for name, n in turned])


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each way, from the rounds of one processor."""
    lines = {}
    for name in [name for name in WAYS if name in set(rows["configuration"])]:
        group = rows[rows["configuration"] == name]
        first = group.iloc[0]
        lines[name] = {
            "sentences/s": spread(group["per_second"], "{:.0f}"),
            "one text, p50 (ms)": spread(group["p50_ms"], "{:.1f}"),
            "p95 (ms)": spread(group["p95_ms"], "{:.1f}"),
            "memory (MB)": spread(group["memory_mb"], "{:.0f}"),
            "on disk (MB)": f"{first['disk_mb']:.0f}",
            "labels that differ": f"{first['labels_differ']:.0f} of {first['compared']:.0f} "
            f"({first['labels_differ'] / first['compared']:.1%})",
            "right": f"{first['right'] / first['compared']:.1%}",
            "largest difference of a logit": f"{group['largest_difference'].max():.1e}",
        }
    return pd.DataFrame(lines).T.rename_axis("engine")


def server_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each server and number of clients."""
    lines = {}
    for name, group in rows.groupby("configuration", sort=False):
        lines[name] = {
            "requests/s": spread(group["per_second"], "{:.0f}"),
            "p50 (ms)": spread(group["p50_ms"], "{:.1f}"),
            "p95 (ms)": spread(group["p95_ms"], "{:.1f}"),
        }
    return pd.DataFrame(lines).T.rename_axis("server").sort_index()


def of_processor(rows: pd.DataFrame) -> str:
    """Facts, tables and verdicts of one processor."""
    served = rows["stage"].astype(str).str.startswith("server")
    text = f"## {machine(rows)}, {rows['threads'].iloc[0]} threads\n\n"
    text += f"{markdown(table(rows[~served]))}\n\n"
    by_stage = rows[~served].pivot_table("per_second", "stage", "configuration")
    for rival, same in DIRECT.items():
        _, precision, _ = WAYS[same]
        by_torch = next(n for n, way in WAYS.items() if way[:2] == (TORCH, precision))
        for what, own in {"torch": by_torch, "that engine": same}.items():
            ratio = verdict(by_stage[own] / by_stage[rival], 1.0)
            text += f"`predict` by {what} beside {rival}: {ratio}.\n\n"
    if served.any():
        text += "The server, asked over loopback for one text per request:\n\n"
        text += f"{markdown(server_table(rows[served]))}\n"
    return text


def report(results: Path = RESULTS) -> str:
    """The page, made from the recorded rows alone."""
    rows = pd.read_csv(results)
    n = int(rows.loc[rows["configuration"] == REFERENCE, "sentences"].max())
    head = f"""# Serving a classifier

`python -m tools.experiments.serving_speed`, results in
[serving_speed.csv](../../data/measured/serving_speed.csv). What it means:
[serving.md](../serving.md). {n:,} review sentences, from the longest to the shortest, in batches of
64, tokenizing included; then single texts. Each way ran in a process of its own; memory is what it
held at most beyond what Python and the libraries of the course held before the model was loaded.
"Directly" is the engine without `predict`, in batches of 64 by length as its users write them.
"Labels that differ" compares with torch in fp32 on the validation part, "right" with the true
labels. Figures are the median of the rounds and, in brackets, their range.
"""
    return by_processor(head, results, of_processor)


def main() -> None:
    """Measure what is missing, or only report."""
    asked: argparse.ArgumentParser = parser(__doc__, ROUNDS)
    asked.add_argument("--sentences", type=int, default=SENTENCES)
    options = asked.parse_args()
    whole = options.sentences == SENTENCES
    with tempfile.TemporaryDirectory() as scratch:
        results = RESULTS if whole else Path(scratch) / "serving_speed.csv"
        if options.what == "run":
            run(options.rounds, options.sentences, results)
        page = report(results)
    if whole:
        write_page(PAGE, page)
    print(page)


if __name__ == "__main__":
    main()
