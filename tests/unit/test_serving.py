"""A saved classifier by other engines, and as a service: the same answers, and no lost ones.

What needs a library of requirements/serving.txt is skipped where it is not installed.
"""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain, pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers import checkpoints, folders, serving, training
from helpers.files import ForeignError, StorageError
from helpers.serving import __main__ as program
from helpers.serving import answers, app, engines, requests
from helpers.serving.requests import Limits, RefusedError
from helpers.serving.worker import Worker
from tests.unit.small import TINY
from tests.unit.small_chat import tiny_llama, tiny_tokenizer
from tools import project

NAMES = ["bad", "fair", "good"]
MAX_LENGTH = 24
WORDS = ["the", "film", "is", "not", "a", "good", "one", "but", "great", "fun", "in", "1999", "?"]
# Of one token and of too many, empty, of blanks, and of letters that the tokenizer does not know.
TEXTS = ["film", "", "   ", "a 🎬 film 映画 ", "word " * 300]
TEXTS += [" ".join(WORDS[i % 5 : 5 + i % 11]) for i in range(40)]
WAYS = [("onnx", "float32"), ("openvino", "float32"), ("openvino", "bfloat16"), ("onnx", "int8")]
WHY = "requirements/serving.txt is not installed"
SIGTERM_ONLY = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


def saved_model(folder: Path, seed: int = 0, names: list[str] = NAMES) -> Path:
    """A tiny classifier with large random weights, so that its labels differ from text to text."""
    tokenizer, model = checkpoints.load(
        seed=seed, pretrained=False, num_labels=len(names), label_names=names, **TINY
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.data.normal_(std=0.3)
    checkpoints.remember(model, max_length=MAX_LENGTH, precision="fp32")
    training.save(model, tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return saved_model(tmp_path_factory.mktemp("serving") / "model")


@pytest.fixture(scope="module")
def direct(saved):
    """Logits of the texts by torch."""
    tokenizer, model = training.load(saved)
    logits = training.predict(model, tokenizer, TEXTS)
    assert len(set(logits.argmax(axis=1))) > 1
    return logits


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def exported(request, saved):
    """Each engine in each precision: its name, its precision, and the export, made once."""
    engine, precision = request.param
    pytest.importorskip(engines.LIBRARIES[engine], reason=WHY)
    place = serving.place_of(saved, engine, precision)
    serving.export(saved, place, engine, precision)
    return engine, precision, place


@pytest.fixture
def without_libraries(monkeypatch):
    """Exports without any library: the graph is a file of three bytes."""
    monkeypatch.setattr(engines, "needed", lambda *names: None)
    monkeypatch.setattr(engines, "write_onnx", lambda model, file: file.write_bytes(b"abc"))


# ---------------------------------------------------------------- engines

TOLERANCE = {"float32": 1e-5, "bfloat16": 0.03, "int8": 0.15}  # of the largest logit


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_an_export_gives_the_logits_of_torch_in_batches_of_any_shape(exported, direct, batch_size):
    _, precision, place = exported
    tokenizer, model = serving.load_export(place)
    logits = training.predict(model, tokenizer, TEXTS, batch_size)
    apart = np.abs(logits - direct).max() / np.abs(direct).max()
    assert logits.dtype == np.float32 and apart < TOLERANCE[precision]
    first, second = np.sort(direct, axis=1)[:, :-3:-1].T
    clear = first - second > 2 * TOLERANCE[precision] * np.abs(direct).max()
    assert clear.any()
    assert (logits.argmax(axis=1) == direct.argmax(axis=1))[clear].all()


def test_an_export_reads_one_text_and_none(exported, direct):
    _, precision, place = exported
    tokenizer, model = serving.load_export(place)
    for text, row in list(zip(TEXTS, direct, strict=True))[:6]:
        [found] = training.predict(model, tokenizer, [text])
        assert np.abs(found - row).max() < TOLERANCE[precision] * np.abs(direct).max()
    assert training.predict(model, tokenizer, []).shape == (0, 3)


def test_an_export_tells_the_two_texts_of_a_pair_apart(exported, saved):
    _, precision, place = exported
    pairs = list(pairwise(TEXTS[5:]))
    expected = training.predict(*reversed(training.load(saved)), pairs)
    joined = training.predict(*reversed(training.load(saved)), [" ".join(p) for p in pairs])
    found = training.predict(*reversed(serving.load_export(place)), pairs)
    allowed = TOLERANCE[precision] * np.abs(expected).max()
    assert np.abs(found - expected).max() < allowed < np.abs(joined - expected).max()


def test_an_export_keeps_what_the_model_remembers(exported, saved):
    engine, precision, place = exported
    _, model = training.load(saved)
    tokenizer, found = serving.load_export(place)
    assert found.config.id2label == model.config.id2label
    assert checkpoints.remembered(found)["max_length"] == MAX_LENGTH
    assert tokenizer.model_max_length == MAX_LENGTH
    assert (found.engine, found.precision) == (engine, precision)
    assert sorted(path.name for path in place.iterdir()) == sorted(
        ["config.json", "manifest.json", "tokenizer.json", "tokenizer_config.json"]
        + {"onnx": ["model.onnx"], "openvino": ["model.bin", "model.xml"]}[engine]
    )


def test_int8_is_smaller_and_can_be_calibrated(saved, tmp_path):
    pytest.importorskip("onnxruntime", reason=WHY)
    sizes, logits = {}, {}
    for name, texts in {"float32": None, "int8": None, "calibrated": TEXTS[5:]}.items():
        precision = "float32" if name == "float32" else "int8"
        serving.export(saved, tmp_path / name, "onnx", precision, texts)
        sizes[name] = (tmp_path / name / "model.onnx").stat().st_size
        tokenizer, model = serving.load_export(tmp_path / name, of=saved)
        logits[name] = training.predict(model, tokenizer, TEXTS)
    assert max(sizes["int8"], sizes["calibrated"]) < sizes["float32"] / 2
    assert 0 < np.abs(logits["int8"] - logits["calibrated"]).max() < np.abs(logits["int8"]).max()
    facts = folders.read_manifest(tmp_path / "calibrated").facts
    assert facts["calibrated_on"] == len(TEXTS[5:])
    # What is advised where the model has changed makes the same kind of export again.
    for name, advised in (("int8", r"'int8'\)"), ("calibrated", r"'int8', calibration=texts\)")):
        with pytest.raises(serving.ServingError, match=advised):
            serving.engines.read_export(
                tmp_path / name, folders.read_manifest(tmp_path / name), "model", "another"
            )


def test_the_first_load_makes_the_export_and_the_next_ones_read_it(tmp_path):
    pytest.importorskip("onnxruntime", reason=WHY)
    folder = saved_model(tmp_path / "model")
    serving.load(folder, "onnx")
    [place] = set(tmp_path.iterdir()) - {folder}
    before = (place / "manifest.json").stat()
    _, model = serving.load(folder, "onnx")
    assert isinstance(model, serving.Exported)
    assert (place / "manifest.json").stat() == before


def test_openvino_is_imported_without_the_package_that_reports_to_its_makers(saved):
    pytest.importorskip("openvino", reason=WHY)
    code = "from helpers.serving import engines; engines.needed('openvino').convert_model; import "
    code += "sys; found = [n for n in sys.modules if n.startswith('openvino_telemetry')]; "
    code += "assert found == ['openvino_telemetry'] and sys.modules[found[0]] is None, found"
    subprocess.run([sys.executable, "-c", code], cwd=project.ROOT, check=True)


def test_no_optional_library_is_imported_before_it_is_needed():
    code = "import sys; from helpers import serving; "
    code += "assert not {'fastapi', 'uvicorn', 'onnxruntime', 'openvino'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=project.ROOT, check=True)


@pytest.mark.parametrize("engine", engines.PRECISIONS)
def test_a_missing_library_is_named_with_the_command(engine, saved, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    wanted = rf"{engines.LIBRARIES[engine]}.* not installed.*pip install -r requirements/serving"
    with pytest.raises(serving.ServingError, match=wanted):
        serving.export(saved, tmp_path / "export", engine)
    with pytest.raises(serving.ServingError, match=wanted):
        serving.load(saved, engine)
    with pytest.raises(serving.ServingError, match=r"fastapi is not installed.*pip install"):
        serving.create_app(saved)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("torch",), "engine is 'torch'; choose onnx or openvino"),
        (("onnx", "bfloat16"), "with engine 'onnx' choose float32 or int8"),
        (("openvino", "int8"), "with engine 'openvino' choose float32 or bfloat16"),
        (("onnx", "float32", ["a"]), "calibration is for int8"),
        (("onnx", "int8", []), "calibration holds no text"),
    ],
)
def test_what_no_engine_can_do_is_said_with_what_it_can(arguments, message, saved, tmp_path):
    with pytest.raises(serving.ServingError, match=message):
        serving.export(saved, tmp_path / "export", *arguments)


def test_an_export_of_other_weights_is_refused_until_it_is_made_again(tmp_path, without_libraries):
    folder, place = saved_model(tmp_path / "model"), tmp_path / "export"
    serving.export(folder, place, "onnx")
    saved_model(folder, seed=1)  # trained again, say
    with pytest.raises(serving.ServingError, match=r"another model.*Make it again: serving.export"):
        serving.load_export(place, of=folder)
    serving.export(folder, place, "onnx")
    found = folders.read_manifest(place).facts["fingerprint"]
    assert found == engines.fingerprint_of(folders.read_manifest(folder))


def test_other_names_of_the_classes_are_another_model(tmp_path, without_libraries):
    folder = saved_model(tmp_path / "model")
    serving.export(folder, tmp_path / "export", "onnx")
    saved_model(folder, names=["bad", "fair", "fine"])
    with pytest.raises(serving.ServingError, match="another model"):
        serving.load_export(tmp_path / "export", of=folder)


def test_an_export_replaces_an_export_and_nothing_else(tmp_path, without_libraries):
    folder = saved_model(tmp_path / "model")
    with pytest.raises(serving.ServingError, match="holds a model"):
        serving.export(folder, folder, "onnx")
    training.load(folder)

    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine", encoding="utf8")
    with pytest.raises(ForeignError, match=r"notes.txt"):
        serving.export(folder, mine, "onnx")
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]

    serving.export(folder, tmp_path / "export", "onnx")
    (tmp_path / "export" / "notes.txt").write_text("mine", encoding="utf8")
    with pytest.raises(ForeignError, match=r"notes.txt"):
        serving.export(folder, tmp_path / "export", "onnx")
    assert (tmp_path / "export" / "notes.txt").read_text(encoding="utf8") == "mine"
    assert (tmp_path / "export" / "model.onnx").read_bytes() == b"abc"


def test_a_damaged_export_is_refused(saved, tmp_path, without_libraries):
    serving.export(saved, tmp_path / "export", "onnx")
    (tmp_path / "export" / "model.onnx").write_bytes(b"abd")
    with pytest.raises(StorageError, match=r"model.onnx is damaged"):
        serving.load_export(tmp_path / "export")


def test_what_is_no_export_or_no_classifier_is_refused(saved, tmp_path, without_libraries):
    with pytest.raises(serving.ServingError, match="holds no export"):
        serving.load_export(saved)
    serving.export(saved, tmp_path / "export", "onnx")
    with pytest.raises(serving.ServingError, match="an export already"):
        serving.export(tmp_path / "export", tmp_path / "again", "onnx")
    with pytest.raises(StorageError, match="does not exist"):
        serving.export(tmp_path / "nowhere", tmp_path / "again", "onnx")
    training.save(tiny_llama(), tiny_tokenizer(), tmp_path / "llama")
    with pytest.raises(serving.ServingError, match=r"LlamaForCausalLM. Only classifiers"):
        serving.export(tmp_path / "llama", tmp_path / "again", "onnx")
    with pytest.raises(serving.ServingError, match=r"LlamaForCausalLM. Only classifiers"):
        serving.load(tmp_path / "llama")
    assert not (tmp_path / "again").exists()


KILLED = """
import os, signal, sys
from helpers.serving import engines

def half(model, file):
    file.write_bytes(b"half of it")
    os.kill(os.getpid(), signal.SIGKILL)

engines.needed, engines.write_onnx = lambda *names: None, half
engines.export(sys.argv[1], sys.argv[2], "onnx")
"""


@SIGTERM_ONLY
def test_a_killed_export_leaves_nothing_that_looks_complete(saved, tmp_path, without_libraries):
    place = tmp_path / "export"
    command = [sys.executable, "-c", KILLED, str(saved), str(place)]
    assert subprocess.run(command, cwd=project.ROOT).returncode == -signal.SIGKILL
    assert not place.exists()
    with pytest.raises(StorageError, match="does not exist"):
        serving.load_export(place)
    serving.export(saved, place, "onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]  # and what was left is gone


# ---------------------------------------------------------------- answers


def model_of(names: list[str], problem_type: str | None = None, **noted: object) -> SimpleNamespace:
    config = SimpleNamespace(id2label=dict(enumerate(names)), problem_type=problem_type)
    config.sft_unveiled = noted
    return SimpleNamespace(config=config)


def test_one_label_comes_with_its_probability():
    logits = np.log([[0.2, 0.3, 0.5], [0.9, 0.05, 0.05]])
    found = answers.answers_of(logits, model_of(NAMES))
    assert [one["label"] for one in found] == ["good", "bad"]
    assert [one["probability"] for one in found] == pytest.approx([0.5, 0.9])


def test_several_labels_are_those_that_reach_their_threshold():
    model = model_of(NAMES, training.MULTI_LABEL, thresholds=[0.5, 0.2, 0.5])
    logits = np.array([[2.0, -1.0, -1.0], [-3.0, -3.0, -3.0]])
    first, second = answers.answers_of(logits, model)
    assert first["labels"] == ["bad", "fair"] and second["labels"] == []
    assert first["probabilities"] == pytest.approx([0.8808, 0.2689], abs=1e-4)


def test_a_number_is_a_value():
    assert answers.answers_of(np.array([[2.5]]), model_of(["x"])) == [{"value": 2.5}]


# ---------------------------------------------------------------- requests

SMALL = Limits(texts=2, characters=10, body=100)
BAD = [
    (b"{", 422, "no JSON"),
    (b"\xff\xfe", 422, "no JSON"),
    (b"[" * 100_000, 413, "100 bytes"),
    (b'"text"', 422, "must be"),
    (b'{"text": "a", "more": 1}', 422, "nothing else"),
    (b"{}", 422, "must be"),
    (b'{"texts": "film"}', 422, "list of at least one"),
    (b'{"texts": []}', 422, "list of at least one"),
    (b'{"texts": ["a", "b", "c"]}', 422, "holds 3 texts; at most 2"),
    (b'{"texts": ["a", 5]}', 422, "Text 1 .* no text"),
    (b'{"text": null}', 422, "Text 0 .* no text"),
    (b'{"text": "\\ud83c"}', 422, "Text 0 .* no text"),  # half of a surrogate pair
    (b'{"texts": ["a", "12345678901"]}', 422, "Text 1 .* 11 characters; at most 10"),
    (b'{"text": "' + b"a" * 100 + b'"}', 413, "100 bytes"),
]


@pytest.mark.parametrize(("body", "status", "message"), BAD, ids=[b[0][:24] for b in BAD])
def test_a_bad_request_is_told_what_to_change(body, status, message):
    with pytest.raises(RefusedError, match=message) as caught:
        requests.texts_of(body, SMALL)
    assert caught.value.status == status


def test_a_deep_request_is_refused():
    with pytest.raises(RefusedError, match="no JSON"):
        requests.texts_of(b"[" * 100_000, Limits())


def test_one_text_and_many_are_read():
    assert requests.texts_of('{"text": "né"}'.encode(), SMALL) == ["né"]
    assert requests.texts_of(b'{"texts": ["", "b"]}', SMALL) == ["", "b"]


def test_a_request_that_does_not_arrive_is_given_up():
    async def never():
        yield b"{"
        await asyncio.Event().wait()

    limits = Limits(seconds=0.01)
    with pytest.raises(RefusedError, match=r"over 0.01 s") as caught:
        asyncio.run(app.body_of(SimpleNamespace(stream=never), limits))
    assert caught.value.status == 408


def test_of_a_request_without_end_a_part_is_read():
    read = []

    async def endless():
        while True:
            read.append(1)
            yield b"x" * SMALL.body

    with pytest.raises(RefusedError, match="100 bytes"):
        asyncio.run(app.body_of(SimpleNamespace(stream=endless), SMALL))
    assert len(read) == app.DRAINED + 1


# ---------------------------------------------------------------- worker


async def gathered(worker: Worker, asked: list[list[str]], gate: threading.Event) -> list:
    """What becomes of requests that all wait before the first one is computed; then it stops."""
    worker.start()
    tasks = [asyncio.create_task(worker.answers_to(texts)) for texts in asked]
    await asyncio.sleep(0)  # each task runs to where it waits
    gate.set()
    await worker.stop()
    _, unanswered = await asyncio.wait(tasks, timeout=30)  # they are answered already
    assert not unanswered
    return await asyncio.gather(*tasks, return_exceptions=True)


def gated(gate: threading.Event, batches: list[list[str]]):
    """A model that waits for the gate, notes its batches, and fails if a text says so."""

    def compute(texts: list[str]) -> list[dict]:
        gate.wait()
        batches.append(texts)
        if "fail" in texts:
            raise ValueError("no such text")
        return [{"label": text.upper()} for text in texts]

    return compute


def test_requests_that_wait_are_computed_together_and_each_gets_its_own_answers():
    asked = [[f"{i}-{j}" for j in range(1 + i % 4)] for i in range(50)]
    gate, batches = threading.Event(), []
    found = asyncio.run(gathered(Worker(gated(gate, batches), batch_size=8), asked, gate))
    assert found == [[{"label": text.upper()} for text in texts] for texts in asked]
    assert list(chain(*batches)) == list(chain(*asked))
    assert all(8 <= len(batch) < 8 + 4 for batch in batches[:-1])


def test_a_request_that_fails_spoils_no_other():
    gate, batches = threading.Event(), []
    worker = Worker(gated(gate, batches))
    found = asyncio.run(gathered(worker, [["a"], ["fail"], ["b", "c"]], gate))
    assert found[0] == [{"label": "A"}] and found[2] == [{"label": "B"}, {"label": "C"}]
    assert isinstance(found[1], ValueError)
    assert (worker.accepted, worker.answered, worker.waiting) == (3, 3, 0)


def test_more_than_may_wait_is_refused():
    gate = threading.Event()
    worker = Worker(gated(gate, []), most_waiting=3)
    found = asyncio.run(gathered(worker, [["a", "b"], ["c"], ["d"]], gate))
    assert [type(one) for one in found] == [list, list, RefusedError]
    assert found[2].status == 503
    assert (worker.accepted, worker.answered) == (2, 2)


# ---------------------------------------------------------------- the server, in another process

# The server whose model waits for a file, so that a test decides when answers come.
GATED = """
import pathlib, sys, time
from helpers.serving import __main__ as program
from helpers.serving.app import Classifier

gate, answers = pathlib.Path(sys.argv.pop(1)), Classifier.answers

def gated(self, texts):
    while not gate.exists():
        time.sleep(0.01)
    return answers(self, texts)

Classifier.answers = gated
sys.exit(program.main())
"""


class Client:
    """What a test asks of a server at a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict]:
        """Status and JSON of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    def predict(self, **asked: object) -> tuple[int, dict]:
        return self.ask("POST", "/predict", json.dumps(asked).encode())

    def waiting(self) -> int:
        return self.ask("GET", "/health")[1]["waiting"]


@contextmanager
def running(command: list[str]):
    """A server in a process of its own at a free port: the process and a client."""
    for name in ("fastapi", "uvicorn"):
        pytest.importorskip(name, reason=WHY)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    options = {"stdout": subprocess.PIPE, "text": True, "cwd": project.ROOT, "env": environment}
    with subprocess.Popen([sys.executable, *command, "--port", "0"], **options) as process:
        try:
            line = process.stdout.readline()
            yield process, Client(int(re.search(r"http://127\.0\.0\.1:(\d+) ", line)[1]))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def client(saved):
    with running(["-m", "helpers.serving", str(saved)]) as (_, client):
        yield client


def equal(found: list[dict], logits: np.ndarray) -> bool:
    """Whether answers are those of the logits."""
    expected = answers.answers_of(logits, model_of(NAMES))
    labels = [one["label"] for one in found] == [one["label"] for one in expected]
    pairs = zip(found, expected, strict=True)
    return labels and all(abs(a["probability"] - b["probability"]) < 1e-4 for a, b in pairs)


def test_requests_at_the_same_time_get_the_answers_of_predict(client, direct):
    spans = [slice(i, i + 1 + i % 7) for i in range(len(TEXTS))] * 3
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda span: client.predict(texts=TEXTS[span]), spans))
    assert {status for status, _ in found} == {200}
    for span, (_, reply) in zip(spans, found, strict=True):
        assert equal(reply["answers"], direct[span])


def test_a_text_that_is_cut_is_answered_and_says_so(client, direct):
    status, reply = client.predict(texts=TEXTS[:5])
    assert status == 200 and equal(reply["answers"], direct[:5])
    assert [one.get("cut", False) for one in reply["answers"]] == [False] * 4 + [True]


def test_one_text_is_answered(client, direct):
    status, reply = client.predict(text=TEXTS[7])
    assert status == 200 and equal(reply["answers"], direct[7:8])


def test_health_says_what_is_served(client):
    status, said = client.ask("GET", "/health")
    assert status == 200
    assert said == {
        "status": "ready",
        "model": "model",
        "engine": "torch",
        "precision": "float32",
        "max_length": MAX_LENGTH,
        "labels": NAMES,
        "waiting": 0,
    }


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b'{"texts": ["a", ', 422, "no JSON"),
        (json.dumps({"texts": ["a"] * 65}).encode(), 422, "65 texts; at most 64"),
        (json.dumps({"text": "a" * 20_001}).encode(), 422, "20,001 characters"),
        (b" " * 1_000_001, 413, "1,000,000 bytes"),
        (b"x" * 8_000_000, 413, "1,000,000 bytes"),  # more than a connection holds
    ],
    ids=["json", "many", "long", "large", "huge"],
)
def test_a_bad_request_gets_its_message_and_the_next_one_an_answer(client, body, status, message):
    found, said = client.ask("POST", "/predict", body)
    assert found == status and message in said["error"]
    assert client.predict(text="film")[0] == 200


def test_other_paths_and_methods_are_refused(client):
    assert client.ask("GET", "/predict")[0] == 405
    assert client.ask("GET", "/docs")[0] == 404


def test_an_engine_serves_the_same_answers(exported, saved, direct):
    engine, precision, _ = exported
    classifier = app.Classifier(saved, engine, precision)
    assert (classifier.facts["engine"], classifier.facts["precision"]) == (engine, precision)
    found = classifier.answers(TEXTS)
    assert len(found) == len(TEXTS)
    if precision == "float32":
        assert equal(found, direct)


@SIGTERM_ONLY
def test_a_server_that_is_stopped_answers_what_it_accepted(saved, direct, tmp_path):
    """Twenty requests wait when it is told to stop; they are answered when the model goes on."""
    gate = tmp_path / "gate"
    with running(["-c", GATED, str(gate), str(saved)]) as (process, client):
        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(client.predict, text=text) for text in TEXTS[:20]]
            while client.waiting() < 20:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            with suppress(ConnectionError, http.client.HTTPException):
                while True:  # until nobody is let in any more
                    client.ask("GET", "/health")
            time.sleep(1)  # a server that gives up on what is slow would do so now
            gate.touch()
            found = [one.result() for one in asked]
        rest = process.stdout.read()
        assert process.wait() == 0
    assert [status for status, _ in found] == [200] * 20
    assert equal([reply["answers"][0] for _, reply in found], direct[:20])
    assert "Stopped: 20 of 20 accepted requests were answered." in rest


@SIGTERM_ONLY
def test_in_the_middle_of_a_load_as_many_are_answered_as_were_accepted(saved, direct):
    """Clients that ask without a pause; each answer arrives whole, or the request was not taken."""
    answered, enough = [], threading.Event()

    def ask_on(client: Client, place: int) -> None:
        with suppress(ConnectionError, http.client.HTTPException):
            while True:
                answered.append((place, client.predict(text=TEXTS[place])))
                if len(answered) > 100:
                    enough.set()

    with running(["-m", "helpers.serving", str(saved)]) as (process, client):
        with ThreadPoolExecutor(8) as pool:
            for place in range(8):
                pool.submit(ask_on, client, place)
            enough.wait()
            process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == 0
    assert f"Stopped: {len(answered)} of {len(answered)} accepted requests" in rest
    for place, (status, reply) in answered:
        assert status == 200 and equal(reply["answers"], direct[place : place + 1])


# ---------------------------------------------------------------- the command


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """`python -m helpers.serving` with these words, in this process: its exit status."""
    monkeypatch.setattr(sys, "argv", ["serving", *words])
    return program.main()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "does not exist"),
        (["MODEL", "--precision", "int8"], "with torch choose float32 or bfloat16"),
        (["MODEL", "--engine", "onnx", "--precision", "bfloat16"], "choose float32 or int8"),
        (["MODEL", "--port", "PORT"], "Choose another --port"),
    ],
    ids=["folder", "torch", "onnx", "port"],
)
def test_a_server_that_cannot_begin_says_why(words, message, client, saved, monkeypatch, capsys):
    known = {"MODEL": str(saved), "PORT": str(client.port)}
    assert command(monkeypatch, *[known.get(word, word) for word in words]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert message in line


def test_small_answers_are_sent_at_once():
    """asyncio turns off Nagle's algorithm only for connections that say they are TCP."""
    with (
        program.listen("127.0.0.1", 0) as door,
        socket.create_connection(door.getsockname()),
        door.accept()[0] as accepted,
    ):
        assert accepted.proto == socket.IPPROTO_TCP


def test_without_its_libraries_the_command_says_what_to_install(saved, monkeypatch, capsys):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert command(monkeypatch, str(saved)) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "not installed" in line and "pip install -r requirements/serving.txt" in line
