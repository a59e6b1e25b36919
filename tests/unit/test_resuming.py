"""A long prediction that is killed goes on: no row twice, none lost, nothing of others taken."""

import contextlib
import csv
import errno
import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import files, own_data, training
from helpers.own_data import new_file, resuming
from tests.unit.small import tiny
from tools import project

NAMES, CHUNK = ["n", "y"], 3
BEGUN = ".sft-unveiled-p.csv.begun"
BEGAN = r"was begun with {} and not finished \(9 rows are done\)\. To go on with it, call it as"
NASTY = st.text(st.sampled_from('ab,;"\n\r\t =é\u2028😀'), max_size=8)


class KilledError(BaseException):
    """Nobody catches it: what follows is what the next process finds."""


@pytest.fixture(autouse=True)
def short_files_count(monkeypatch):
    """The parts of every file are kept, however short it is."""
    monkeypatch.setattr(resuming, "FROM", 1)


def logits(texts):
    """Two logits that depend on the text."""
    return np.array([[0.0, (sum(map(ord, text)) % 7) - 3] for text in texts])


class Counted:
    """`logits`, or another model, that notes what it is asked and fails at one of its calls."""

    def __init__(self, fails_at=None, error=KilledError, model=logits):
        self.asked, self.calls, self.fails_at = [], 0, fails_at
        self.error, self.model = error, model

    def __call__(self, texts):
        self.calls += 1
        if self.calls == self.fails_at:
            raise self.error
        self.asked += texts
        return self.model(texts)


def source_in(folder, rows=20, name="new.csv"):
    path = folder / name
    path.write_text("id,text\n" + "".join(f"{i},text number {i}\n" for i in range(rows)))
    return path


def predicted(path, model=logits, target="p.csv", **options):
    """What `predict_file` returns, and the bytes of the new file."""
    target, options = path.with_name(target), {"names": NAMES, "chunk": CHUNK} | options
    done = own_data.predict_file(path, "text", target, model, **options)
    return done, target.read_bytes()


def killed(path, at=4, error=KilledError, **options):
    """A prediction that ends in the call with this number; the texts that it had answered."""
    model = Counted(at, error)
    with pytest.raises(error):
        predicted(path, model, **options)
    return model.asked


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------- it goes on


@given(
    rows=st.lists(st.tuples(NASTY, NASTY), min_size=1, max_size=14),
    kills=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 400)), max_size=4),
    chunk=st.integers(1, 4),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[*HealthCheck])
def test_whenever_it_is_killed_the_file_is_that_of_an_undisturbed_run(
    rows, kills, chunk, tmp_path_factory
):
    """Killed in any of its calls, and with any number of the last bytes not on the disk."""
    folder, buffer = tmp_path_factory.mktemp("files"), io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([("id", "text"), *rows])
    (folder / "new.csv").write_text(buffer.getvalue(), encoding="utf8", newline="")
    options = {"chunk": chunk, "delimiter": ",", "quote": '"'}
    undisturbed = predicted(folder / "new.csv", target="undisturbed.csv", **options)
    for at, lost in kills:
        with contextlib.suppress(KilledError):
            predicted(folder / "new.csv", Counted(at), **options)
        if (folder / BEGUN).exists():
            os.truncate(folder / BEGUN, max(0, (folder / BEGUN).stat().st_size - lost))
    assert predicted(folder / "new.csv", **options) == undisturbed
    assert undisturbed[0]["rows"] == len(rows)
    assert not [name for name in names_in(folder) if name.startswith(".sft-unveiled")]


def test_what_is_finished_is_not_predicted_again_but_for_the_part_that_knows_the_model(tmp_path):
    source = source_in(tmp_path)
    before = killed(source)
    assert before == [f"text number {i}" for i in range(9)]
    model = Counted()
    assert predicted(source, model)[0] == {"rows": 20, "predicted": 20}
    assert model.asked == [f"text number {i}" for i in range(6, 20)]


@pytest.mark.parametrize("lost", [1, 5])
def test_a_piece_of_a_line_costs_one_part_once(tmp_path, lost):
    source, model = source_in(tmp_path), Counted()
    killed(source)
    os.truncate(tmp_path / BEGUN, (tmp_path / BEGUN).stat().st_size - lost)
    assert killed(source)[:6] == [f"text number {i}" for i in range(3, 9)]
    predicted(source, model)
    assert model.asked == [f"text number {i}" for i in range(9, 20)]


IN_ANOTHER_PROCESS = """
import os, sys
from pathlib import Path
from helpers.own_data import resuming
from tests.unit import test_resuming as tests
resuming.FROM = 1
answered = 0
def model(texts):
    global answered
    answered += 1
    if answered == 4:
        os.kill(os.getpid(), int(sys.argv[2]))
    return tests.logits(texts)
tests.predicted(Path(sys.argv[1]), model)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_process_that_is_killed_leaves_what_the_next_one_goes_on_with(tmp_path, number):
    source = source_in(tmp_path)
    _, undisturbed = predicted(source, target="undisturbed.csv")
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(source), str(int(number))]
    ended = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True)
    assert ended.returncode == -number or number == signal.SIGINT, ended.stderr
    assert ended.returncode != 0
    assert not (tmp_path / "p.csv").exists()
    told = "9 of 20 rows are kept: the same call goes on from there."
    assert (told in ended.stdout) == (number == signal.SIGINT)
    model = Counted()
    assert predicted(source, model)[1] == undisturbed
    assert len(model.asked) == 20 - 9 + CHUNK
    ours = [".written-by-sft-unveiled.json", "new.csv", "p.csv", "undisturbed.csv"]
    assert names_in(tmp_path) == ours


def test_a_reader_is_told_what_is_kept_and_where_it_goes_on(tmp_path, capsys):
    source = source_in(tmp_path)
    killed(source, error=KeyboardInterrupt)
    assert "9 of 20 rows are kept: the same call goes on from there." in capsys.readouterr().out
    predicted(source)
    said = capsys.readouterr().out
    assert "9 of 20 rows were predicted before; going on from there." in said


@pytest.mark.slow
def test_a_network_that_sorts_by_length_answers_in_the_order_of_the_file(tmp_path):
    tokenizer, model = tiny()

    def network(texts):
        return training.predict(model, tokenizer, texts, batch_size=2)

    words = np.random.default_rng(0).integers(1, 40, 30)
    source = tmp_path / "new.csv"
    source.write_text("text\n" + "".join(f"{i} {'word ' * n}\n" for i, n in enumerate(words)))
    killed_one = Counted(3, model=network)
    options = {"chunk": 8, "like": model}
    with pytest.raises(KilledError):
        predicted(source, killed_one, **options)
    _, found = predicted(source, network, **options)
    assert found == predicted(source, network, "undisturbed.csv", **options)[1]
    texts = [line["text"].split()[0] for line in csv.DictReader(io.StringIO(found.decode()))]
    assert texts == [str(i) for i in range(30)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_go_on_too(tmp_path, encoding):
    source = tmp_path / "new.csv"
    lines = [f'{i};"Übergröße {i}; ""zu"" klein\nund spät"\n' for i in range(9)]
    source.write_bytes(("id;text\n" + "".join(lines)).encode(encoding))
    options = {"encoding": "cp1252"} if encoding == "cp1252" else {}
    killed(source, at=3, **options)
    assert predicted(source, **options) == predicted(source, target="other.csv", **options)


def test_rows_without_a_prediction_stay_in_their_places(tmp_path):
    """The model is known by the last part that has an answer."""
    source = tmp_path / "new.csv"
    source.write_text("id,text\n1,good\n2,\n3,\n" + "4,\n5\n6,\n" * 2 + "7,fine\n")
    killed(source, at=2)
    refused(source, BEGAN.format("a model that answers otherwise"), lambda t: -logits(t))
    assert predicted(source) == predicted(source, target="other.csv")


def test_a_short_file_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(resuming, "FROM", 21)
    killed(source_in(tmp_path))
    assert names_in(tmp_path) == ["new.csv"]


# ---------------------------------------------------------------- what is refused


def refused(source, message, model=logits, **options):
    """The call is refused before anything is predicted, and changes nothing."""
    before = {path.name: path.read_bytes() for path in source.parent.iterdir() if path.is_file()}
    with pytest.raises(own_data.FileError, match=message):
        predicted(source, model, **options)
    after = {path.name: path.read_bytes() for path in source.parent.iterdir() if path.is_file()}
    assert after == before


def test_another_file_of_the_same_name_is_refused_and_the_first_one_still_goes_on(tmp_path):
    source = source_in(tmp_path)
    killed(source)
    first = source.read_bytes()
    source.write_bytes(first.replace(b"number 3\n", b"number 4\n"))
    refused(source, BEGAN.format("another file"), Counted(1))
    source.write_bytes(first)
    assert predicted(source) == predicted(source, target="other.csv")


@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("other settings", {"chunk": 4}),
        ("other settings", {"missing": ["text number 3"]}),
        ("other names of the classes, or other thresholds", {"names": ["no", "yes"]}),
        ("other names of the classes, or other thresholds", {"thresholds": [0.3, 0.5]}),
    ],
)
def test_other_settings_are_refused(tmp_path, what, options):
    source = source_in(tmp_path)
    killed(source)
    refused(source, BEGAN.format(what), Counted(1), **options)


def test_a_model_that_answers_otherwise_is_refused(tmp_path):
    source = source_in(tmp_path)
    killed(source)
    refused(source, BEGAN.format("a model that answers otherwise"), lambda t: -logits(t))
    refused(source, BEGAN.format("a model that answers otherwise"), lambda t: 1.1 * logits(t))
    assert predicted(source, lambda t: logits(t) + 1e-4)[0]["predicted"] == 20


def test_numbers_of_another_model_are_refused(tmp_path):
    source = source_in(tmp_path)

    def model(texts):
        return logits(texts)[:, 1:]

    options = {"names": None}
    with pytest.raises(KilledError):
        predicted(source, Counted(4, model=model), **options)
    other = BEGAN.format("a model that answers otherwise")
    refused(source, other, lambda t: model(t) + 1, **options)
    refused(source, other, lambda t: 0 * model(t), **options)
    assert predicted(source, lambda t: model(t) + 1e-3, **options)[0]["predicted"] == 20


def test_labels_of_another_model_are_refused(tmp_path):
    source, options = source_in(tmp_path), {"thresholds": [0.5, 0.5]}
    killed(source, **options)
    refused(source, BEGAN.format("a model that answers otherwise"), lambda t: -logits(t), **options)
    assert predicted(source, **options) == predicted(source, target="other.csv", **options)


def test_a_class_that_is_called_like_a_number_is_no_number():
    years = [["2020", "0.900"], ["2021", "0.800"]]
    assert resuming.alike(years, [["2020", "0.901"], ["2021", "0.800"]])
    assert not resuming.alike(years, [["2020", "0.900"], ["2020", "0.800"]])
    assert not resuming.alike(years, years[:1])


def test_numbers_are_compared_on_their_own_scale():
    small, large = [["0.001", ""], ["0.002", ""]], [["1000", ""], ["2000", ""]]
    assert not resuming.alike(small, [["0.0015", ""], ["0.002", ""]])
    assert resuming.alike(large, [["1000.5", ""], ["2000.2", ""]])
    assert resuming.alike([["2", ""], ["2", ""]], [["2", ""], ["2", ""]])


def test_a_model_of_which_one_weight_has_changed_is_refused(tmp_path):
    """Its answers may be the same for the texts by which the other models are known."""
    source, (_, model) = source_in(tmp_path), tiny()
    killed(source, like=model)
    with torch.no_grad():
        model.get_input_embeddings().weight[-1, -1] += 1
    refused(source, BEGAN.format("another model"), Counted(1), like=model)


def test_a_shorter_file_does_not_pass_over_what_is_kept(tmp_path, monkeypatch):
    killed(source_in(tmp_path))
    monkeypatch.setattr(resuming, "FROM", 20)
    refused(source_in(tmp_path, 5, "short.csv"), BEGAN.format("another file"), Counted(1))


@pytest.mark.parametrize(
    "content", [b"mine", b"mine\n", b"[1, 2]\n", b"{}\n", b'{"sft_unveiled": 2, "of": {}}\n']
)
def test_a_file_of_somebody_else_in_that_place_stays(tmp_path, content):
    source = source_in(tmp_path)
    (tmp_path / BEGUN).write_bytes(content)
    refused(source, "is in the way.* was not written by this course", Counted(1))


@pytest.mark.parametrize("kind", ["a folder", "a link"])
def test_no_folder_and_no_link_is_written_to(tmp_path, kind):
    source, other = source_in(tmp_path), tmp_path / "other.txt"
    other.write_text("")
    if kind == "a folder":
        (tmp_path / BEGUN).mkdir()
    else:
        (tmp_path / BEGUN).symlink_to(other)
    refused(source, "is in the way", Counted(1))


def test_two_programs_do_not_predict_into_one_file(tmp_path):
    source = source_in(tmp_path)
    with files.alone(tmp_path / ".sft-unveiled-p.csv.lock", None):
        refused(source, "another program is predicting into 'p.csv'", Counted(1))


def test_a_file_that_is_changed_meanwhile_is_refused_and_begun_anew(tmp_path):
    source = source_in(tmp_path)
    first = source.read_bytes()

    class Changing(Counted):
        def __call__(self, texts):
            source.write_bytes(first.replace(b"number 1", b"number 2"))
            return super().__call__(texts)

    for _ in range(2):
        source.write_bytes(first)
        with pytest.raises(own_data.FileError, match=r"was changed while it was read\. Try again"):
            predicted(source, Changing())
    assert not (tmp_path / "p.csv").exists()
    assert predicted(source) == predicted(source, target="other.csv")


# ---------------------------------------------------------------- a full disk


def test_a_full_disk_costs_one_part(tmp_path, monkeypatch):
    """A piece of a line is written before the disk is full."""
    source, write_all, parts = source_in(tmp_path), resuming.write_all, []

    def full(file, content):
        parts.append(content)
        if len(parts) < 4:  # the first line, and two parts
            return write_all(file, content)
        file.write(content[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(resuming, "write_all", full)
    with pytest.raises(own_data.FileError, match=r"No space left on device\. Make room.*goes on"):
        predicted(source)
    monkeypatch.setattr(resuming, "write_all", write_all)
    assert not (tmp_path / "p.csv").exists()
    model = Counted()
    assert predicted(source, model) == predicted(source, target="other.csv")
    assert len(model.asked) == 20 - 2 * CHUNK + CHUNK


def test_a_system_that_takes_a_line_piece_by_piece_gets_all_of_it(tmp_path):
    class Piecemeal(io.FileIO):
        def write(self, content):
            return super().write(content[:3])

    with Piecemeal(tmp_path / "x", "w") as file:
        resuming.write_all(file, b"twelve bytes")
    assert (tmp_path / "x").read_bytes() == b"twelve bytes"


def test_a_disk_that_is_full_at_the_very_end_loses_nothing(tmp_path, monkeypatch):
    source, model = source_in(tmp_path), Counted()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files, "take_name", full)
        with pytest.raises(own_data.FileError, match=r"could not write 'p\.csv': No space left"):
            predicted(source)
    assert predicted(source, model)[0] == {"rows": 20, "predicted": 20}
    assert model.asked == [f"text number {i}" for i in (18, 19)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_disk_that_takes_no_more_is_named_by_the_system_itself(tmp_path):
    """What the simulated one stands for: the system refuses the rest of a file."""
    source = source_in(tmp_path)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))"
    command = [sys.executable, "-c", f"{limit}\n{IN_ANOTHER_PROCESS}", str(source), "0"]
    ended = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True)
    assert "File too large. Make room" in ended.stderr
    assert (tmp_path / BEGUN).stat().st_size == 900
    assert predicted(source) == predicted(source, target="other.csv")


def test_the_parts_are_read_one_by_one(tmp_path, monkeypatch):
    """Of a file with a million rows no list of all lines is made."""
    source, held = source_in(tmp_path), []
    write_parts = new_file.write_parts

    def watched(file, header, parts):
        held.append(parts)
        return write_parts(file, header, parts)

    monkeypatch.setattr(new_file, "write_parts", watched)
    predicted(source)
    assert isinstance(held[0], resuming.Begun)
    assert not any(isinstance(value, list) and any(isinstance(v, str) for v in value)
                   for value in vars(held[0]).values())  # fmt: skip
