"""Nothing of the user's is lost, and what is stored is read only if it is what was stored."""

import inspect
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier
from torch.nn.functional import cross_entropy

from helpers import checkpoints, corpora, files, folders, own_data, storage, training, validation
from tests.unit.small import TINY, config, few, tiny
from tests.unit.test_faults import Payload


@pytest.fixture(scope="module")
def parts():
    return few(32, 16)


@pytest.fixture(scope="module")
def finished(parts, tmp_path_factory):
    """A finished run of two epochs, four steps, in a folder that no test changes."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    tokenizer, model = tiny()
    training.fine_tune(model, tokenizer, *parts, settings(), output_dir=folder)
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A copy of that run, to do harm to."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved model, in a folder that no test changes."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    tokenizer, model = tiny()
    training.save(model, tokenizer, folder)
    return folder


@pytest.fixture
def copy(saved, tmp_path):
    """A copy of that model, to do harm to."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def settings(**changes):
    return config(epochs=2, **changes)


def tree(folder: Path) -> dict[str, object]:
    """All that a folder holds, to be compared: files by their bytes, links by their goal."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        else:
            found[name] = path.read_bytes() if path.is_file() else "folder"
    return found


# ---------------------------------------------------------------- something foreign in the way


def documents(place: Path) -> None:
    (place / "letters" / "2026").mkdir(parents=True)
    (place / "letters" / "2026" / "to_ada.txt").write_text("Dear Ada")
    (place / "thesis.md").write_text("# Results")


def web_app(place: Path) -> None:
    place.mkdir()
    (place / "manifest.json").write_text('{"name": "app", "icons": "icon.png"}')
    (place / "icon.png").write_bytes(b"\x89PNG")


def empty_folders(place: Path) -> None:
    (place / "kept" / "for later").mkdir(parents=True)


def our_model(place: Path) -> Path:
    tokenizer, model = tiny()
    training.save(model, tokenizer, place)
    return place


def with_notes(place: Path) -> None:
    (our_model(place) / "notes.txt").write_text("works well on old mails")


def with_a_folder(place: Path) -> None:
    (our_model(place) / "mine").mkdir()
    (place / "mine" / "data.csv").write_text("a,b")


def with_weights_of_their_own(place: Path) -> None:
    weights = our_model(place) / "model.safetensors"
    tensors = storage.load_tensors(weights)
    storage.save_tensors(weights, {name: tensor + 1 for name, tensor in tensors.items()})


def with_a_card_filled_in(place: Path) -> None:
    tokenizer, model = tiny()
    storage.save_model(model, tokenizer, place, "licence: *to be filled in*")
    (place / "README.md").write_text("licence: ours")


def a_file(place: Path) -> None:
    place.write_text("a file of mine")


def a_link(place: Path) -> None:
    documents(place.with_name("elsewhere"))
    place.symlink_to("elsewhere")


def a_link_to_nothing(place: Path) -> None:
    place.symlink_to("gone")


FOREIGN = [documents, web_app, empty_folders, with_notes, with_a_folder, with_weights_of_their_own]
FOREIGN += [with_a_card_filled_in, a_file, a_link, a_link_to_nothing]


@pytest.mark.parametrize("plant", FOREIGN, ids=lambda function: function.__name__)
def test_saving_a_model_never_replaces_what_somebody_else_wrote(plant, tmp_path):
    plant(tmp_path / "docs")
    before = tree(tmp_path)
    tokenizer, model = tiny()
    with pytest.raises(storage.ForeignError, match=r"docs.*(Move|Choose)"):
        training.save(model, tokenizer, tmp_path / "docs")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("plant", FOREIGN, ids=lambda function: function.__name__)
def test_removing_a_folder_never_removes_what_somebody_else_wrote(plant, tmp_path):
    plant(tmp_path / "docs")
    before = tree(tmp_path)
    with pytest.raises(storage.ForeignError):
        folders.remove_folder(tmp_path / "docs")
    assert tree(tmp_path) == before


def test_a_model_replaces_a_model_and_takes_an_empty_folder(copy):
    tokenizer, model = tiny()
    training.save(model, tokenizer, copy)
    (copy / ".DS_Store").write_bytes(b"left by a file browser")
    training.save(model, tokenizer, copy)
    (copy.parent / "empty").mkdir()
    training.save(model, tokenizer, copy.parent / "empty")
    assert sorted(path.name for path in copy.parent.iterdir()) == ["empty", "model"]


@pytest.mark.parametrize("name", [".", "", "..", "/"])
def test_saving_where_the_program_works_is_said(name, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    tokenizer, model = tiny()
    with pytest.raises(storage.ForeignError, match=r"where this program works.*new folder"):
        training.save(model, tokenizer, name)
    assert tree(tmp_path) == {"here": "folder"}


NEIGHBOURS = [".model.old/a.txt", ".backup-20261129/a.txt", ".model-abcdefgh/a.txt", ".lock"]
NEIGHBOURS += [".sft-unveiled-model.0123abcd/a.txt", ".sft-unveiled-model.0123abcd.txt"]
NEIGHBOURS += [".gone-00000001/a.txt", "model.old/a.txt", ".sft-unveiled-model.0123abce/old/a.txt"]


def test_saving_a_model_leaves_its_neighbours_alone(tmp_path):
    """Also those whose names look as if a killed writer had left them."""
    for name in NEIGHBOURS:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("mine")
    before = tree(tmp_path)
    tokenizer, model = tiny()
    for _ in range(2):
        training.save(model, tokenizer, tmp_path / "model")
    shutil.rmtree(tmp_path / "model")
    assert tree(tmp_path) == before


def test_a_run_leaves_what_it_finds_in_its_folder_alone(parts, tmp_path):
    run = tmp_path / "run"
    for name in [*NEIGHBOURS, "notes.md", "step-1/a.txt", "best.csv", ".step-00000002-abcdefgh/a"]:
        (run / name).parent.mkdir(exist_ok=True, parents=True)
        (run / name).write_text("mine")
    before = tree(run)
    tokenizer, model = tiny()
    training.fine_tune(model, tokenizer, *parts, config(epochs=3), output_dir=run)
    training.resume(run, *parts)
    after = tree(run)
    assert {name: after[name] for name in before} == before
    added = {name.split("/")[0] for name in after.keys() - before.keys()}
    assert added == {"best", "step-00000004", "step-00000006", storage.LOCK}
    training.remove_run(run)
    assert tree(run) == before


@pytest.mark.parametrize("name", ["best", "step-00000002", storage.LOCK])
def test_a_new_run_refuses_a_folder_where_its_names_are_taken(parts, tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "weights.bin").write_bytes(b"of an older project")
    before = tree(tmp_path)
    tokenizer, model = tiny()
    with pytest.raises(storage.ForeignError, match=rf"{name}.*Move it"):
        training.fine_tune(model, tokenizer, *parts, settings(), output_dir=tmp_path)
    after = tree(tmp_path)
    assert {path: after[path] for path in before} == before


def test_a_new_run_refuses_a_lone_best_of_an_older_run(parts, run):
    for checkpoint in storage.stored_checkpoints(run):
        shutil.rmtree(checkpoint)
    before = tree(run)
    tokenizer, model = tiny()
    with pytest.raises(storage.StorageError, match=r"holds 'best'.*another output_dir"):
        training.fine_tune(model, tokenizer, *parts, settings(), output_dir=run)
    assert tree(run) == before


def test_a_lock_file_of_somebody_else_is_not_emptied(parts, tmp_path):
    (tmp_path / storage.LOCK).write_text("pid 17")
    tokenizer, model = tiny()
    with pytest.raises(storage.ForeignError, match=r"in the way"):
        training.fine_tune(model, tokenizer, *parts, settings(), output_dir=tmp_path)
    assert (tmp_path / storage.LOCK).read_text() == "pid 17"


@pytest.mark.parametrize("place", ["best", "step-00000002"])
def test_a_file_put_into_a_running_run_stays_and_nothing_is_lost(parts, tmp_path, place):
    """In an old checkpoint it keeps that from being removed; in `best` it stops the run."""
    run, whole = tmp_path / "run", tiny()[1]
    # each epoch is better than the one before, so `best` would be replaced
    epochs = iter(range(100))
    options = {"compute_metrics": lambda _: {"accuracy": float(next(epochs))}}
    training.fine_tune(whole, tiny()[0], *parts, config(best_metric="accuracy"), **options)

    def plant(state):
        if state.step == 5:
            (run / place / "notes.txt").write_text("mine")

    tokenizer, model = tiny()
    arguments = (model, tokenizer, *parts, config(best_metric="accuracy"))
    options |= {"output_dir": run}
    if place == "best":
        with pytest.raises(storage.ForeignError, match=r"notes\.txt"):
            training.fine_tune(*arguments, on_step=plant, **options)
        (run / place / "notes.txt").rename(tmp_path / "notes.txt")
        _, model, _ = training.resume(run, *parts, compute_metrics=options["compute_metrics"])
    else:
        training.fine_tune(*arguments, on_step=plant, **options)
        assert (run / place / "notes.txt").read_text() == "mine"
    assert all(torch.equal(a, b) for a, b in zip(weights(model), weights(whole), strict=True))


def test_an_old_checkpoint_that_cannot_be_removed_does_not_end_the_run(
    parts, tmp_path, monkeypatch
):
    """As on Windows, where another program has a file of it open."""
    rename = os.rename

    def refusing(source, target):
        if Path(source).name == "step-00000002":
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refusing)
    tokenizer, model = tiny()
    training.fine_tune(model, tokenizer, *parts, config(epochs=4), output_dir=tmp_path)
    kept = [path.name for path in storage.stored_checkpoints(tmp_path)]
    assert kept == ["step-00000002", "step-00000006", "step-00000008"]
    monkeypatch.undo()
    training.resume(tmp_path, *parts)
    assert len(storage.stored_checkpoints(tmp_path)) == 2
    assert not [path for path in tmp_path.glob(".*") if path.is_dir()]


def weights(model):
    return model.state_dict().values()


def test_the_only_copy_is_kept_where_it_cannot_be_put_back(copy, monkeypatch):
    """The second rename fails, and then the one that would undo the first."""
    rename, content = os.rename, (copy / "model.safetensors").read_bytes()

    def refusing(source, target):
        if Path(target) == copy:
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    monkeypatch.setattr(os, "rename", refusing)
    with pytest.raises(storage.StorageError, match=r"unharmed, in .*old"):
        training.save(*tiny()[::-1], copy)
    monkeypatch.undo()
    (left,) = (path for path in copy.parent.rglob("model.safetensors") if "old" in str(path))
    assert left.read_bytes() == content
    training.load(copy)
    training.save(*tiny()[::-1], copy)
    assert [path.name for path in copy.parent.iterdir()] == ["model"]


def test_names_that_begin_alike_have_nothing_to_do_with_each_other(tmp_path):
    one, other = (tmp_path / ("m" * 120 + end) for end in "ab")
    assert files.work_prefix(one) != files.work_prefix(other)
    for target in (one, other):
        storage.write_folder(target, lambda new: (new / "text").write_text("x"))
    assert sorted(tmp_path.iterdir()) == [one, other]


def test_a_list_of_hashes_of_somebody_else_is_no_manifest_of_the_first_format(tmp_path):
    (tmp_path / "docs").mkdir()
    interviews = tmp_path / "docs" / "interviews.csv"
    interviews.write_text("Ada,yes")
    listed = json.dumps({"interviews.csv": files.sha256(interviews)})
    (tmp_path / "docs" / "manifest.json").write_text(listed)
    before = tree(tmp_path)
    with pytest.raises(storage.ForeignError):
        training.save(*tiny()[::-1], tmp_path / "docs")
    assert tree(tmp_path) == before


def test_a_file_that_changes_between_the_check_and_the_rename_is_kept(copy, monkeypatch):
    rename = os.rename

    def late(source, target):
        if Path(source) == copy:
            (copy / "README.md").write_text("mine, at the last moment")
            (copy / "config.json").write_text("mine, too")
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    training.save(*tiny()[::-1], copy)
    kept = [path.read_text() for path in copy.parent.glob("model.set-aside-1/*") if path.is_file()]
    assert {"mine, at the last moment", "mine, too"} <= set(kept)
    training.load(copy)


def test_a_file_that_appears_while_another_is_written_is_kept(tmp_path, monkeypatch):
    target, remember = tmp_path / "report.html", files.remember

    def late(path, digest):
        remember(path, digest)
        target.write_text("mine")

    monkeypatch.setattr(files, "remember", late)
    with pytest.raises(storage.ForeignError), files.replacing(target) as file:
        file.write("ours")
    assert target.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [files.WRITTEN, "report.html"]


@pytest.mark.parametrize("content", ["", "[]", '{"files": 3}', "[" * 100_000, None])
def test_a_list_that_is_not_the_course_s_is_not_replaced(tmp_path, content):
    notes = tmp_path / files.WRITTEN
    notes.mkdir() if content is None else notes.write_text(content)
    before = tree(tmp_path)
    refused = pytest.raises(storage.ForeignError, match="Move it away")
    with refused, files.replacing(tmp_path / "report.html") as file:
        file.write("ours")
    assert tree(tmp_path) == before


def test_resuming_leaves_the_checkpoints_of_both_runs_that_somebody_mixed(parts, run, tmp_path):
    other = another_run(parts, tmp_path / "other")
    for checkpoint in storage.stored_checkpoints(other):
        number = int(checkpoint.name[5:]) + 10
        shutil.copytree(checkpoint, run / f"step-{number:08d}")
    before = tree(run)
    with pytest.raises(storage.StorageError):
        training.resume(run, *parts)
    after = tree(run)
    assert {name: after[name] for name in before} == before


def test_a_folder_below_the_home_of_the_user_is_one_place(parts, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    learn = validation.Estimator(DummyClassifier(strategy="prior"))
    rows = parts[0]
    validation.cross_validate(rows, learn, k=2, output_dir="~/cv")
    with pytest.raises(validation.ValidationError, match="a different k"):
        validation.cross_validate(rows, learn, k=3, output_dir="~/cv")
    folds = [tmp_path / "cv" / f"seed-0-fold-{number}" for number in (0, 1)]
    folds[0].rename(tmp_path / "x")
    folds[1].rename(folds[0])
    (tmp_path / "x").rename(folds[1])
    with pytest.raises(storage.StorageError, match="not the fold that its name says"):
        validation.cross_validate(rows, learn, k=2, output_dir="~/cv")


@pytest.mark.parametrize("name", ["plan", "seed-0-fold-0", "seed-0-fold-0-training/best"])
def test_a_cross_validation_leaves_what_it_finds_in_its_folder_alone(parts, tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / "notes.txt").write_text("mine")
    before = tree(tmp_path)
    random = {"pretrained": False, **TINY}
    learn = validation.FineTuned(config(epochs=1, best_metric="epoch"), options=random)
    with pytest.raises(storage.StorageError, match=rf"{name.split('/')[-1]}"):
        validation.cross_validate(parts[0], learn, k=2, output_dir=tmp_path)
    after = tree(tmp_path)
    assert {path: after[path] for path in before} == before


# ---------------------------------------------------------------- what holds in scoring, too


def test_predictions_read_as_much_as_training_did(parts, tmp_path):
    """Every way to a prediction: at once, saved and loaded, the checkpoint `best`, a pipeline."""
    from transformers import pipeline

    tokenizer, model = checkpoints.load(seed=0, num_hidden_layers=1)
    with torch.no_grad():
        model.classifier.weight.mul_(50)  # so that a text cut elsewhere has other probabilities
    chosen = settings(max_length=9, precision="fp32")
    training.fine_tune(model, tokenizer, *parts, chosen, output_dir=tmp_path / "run")
    texts = ["a film that begins well and " + ending for ending in ("ends badly", "ends well")]
    texts += ["good " * 7 + "a terrible, boring disaster of a film " * 12]
    expected = torch.from_numpy(training.predict(model, tokenizer, texts, max_length=9))
    whole = training.predict(model, tokenizer, texts, max_length=128)
    assert abs(whole[2] - expected.numpy()[2]).max() > 1e-2, "the length makes a difference"
    training.save(model, tokenizer, tmp_path / "model")
    for folder in ("model", "run/best"):
        again, loaded = training.load(tmp_path / folder)
        assert torch.equal(torch.from_numpy(training.predict(loaded, again, texts)), expected)
        classify = pipeline("text-classification", model=str(tmp_path / folder), device="cpu")
        found = [answer["score"] for answer in classify(texts, truncation=True)]
        assert found == pytest.approx(expected.softmax(1).max(1).values.tolist(), abs=1e-5)
    assert torch.equal(torch.from_numpy(training.predict(model, tokenizer, texts)), expected)
    assert tokenizer.model_max_length == 512


def test_predictions_are_computed_in_the_precision_of_training(parts):
    texts = parts[1]["text"][:]
    for precision in ("fp32", "bf16"):
        tokenizer, model = tiny()
        training.fine_tune(model, tokenizer, *parts, settings(precision=precision))
        found = training.predict(model, tokenizer, texts)
        same = training.predict(model, tokenizer, texts, precision=precision)
        other = {"fp32": "bf16", "bf16": "fp32"}[precision]
        assert (found == same).all()
        assert (found != training.predict(model, tokenizer, texts, precision=other)).any()


def test_a_model_of_numbers_is_known_as_one_wherever_it_is_saved(parts, tmp_path):
    rated = [
        p.remove_columns("label").add_column("label", [1.0, 2.0] * (len(p) // 2)) for p in parts
    ]
    tokenizer, model = checkpoints.load(num_labels=1, seed=0, num_hidden_layers=1)
    squared = {"loss_function": lambda y, t: ((y[:, 0] - t) ** 2).mean()}
    chosen = config(epochs=1)
    training.fine_tune(
        model,
        tokenizer,
        *rated,
        chosen,
        lambda _: {},
        output_dir=tmp_path / "run",
        **squared,
    )
    training.save(model, tokenizer, tmp_path / "model")
    for folder in ("model", "run/best"):
        _, loaded = training.load(tmp_path / folder)
        assert loaded.config.problem_type == "regression"


def test_a_model_of_numbers_learns_by_the_squared_error_unless_told_otherwise(parts):
    rated = [
        p.remove_columns("label").add_column("label", [1.0, 3.0] * (len(p) // 2)) for p in parts
    ]
    runs = []
    for functions in ({}, {"loss_function": lambda y, t: ((y[:, 0] - t) ** 2).mean()}):
        tokenizer, model = checkpoints.load(num_labels=1, seed=0, num_hidden_layers=1)
        run = training.fine_tune(model, tokenizer, *rated, config(epochs=2), **functions)
        found = training.predict(model, tokenizer, rated[1]["text"])[:, 0]
        error = abs(found - rated[1].to_pandas()["label"]).mean()
        assert run.rows[run.best_epoch - 1]["mae"] == pytest.approx(error, abs=1e-6)
        runs.append(run.rows)
    assert runs[0] == runs[1]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, torch.tensor])
def test_a_figure_may_come_from_any_library(parts, tmp_path, kind):
    tokenizer, model = tiny()
    metrics = {"compute_metrics": lambda _: {"accuracy": kind(1)}}
    training.fine_tune(model, tokenizer, *parts, config(epochs=1), output_dir=tmp_path, **metrics)
    assert training.resume(tmp_path, *parts, **metrics)[2].rows[0]["accuracy"] == 1.0


def test_a_figure_that_is_no_number_is_never_the_best(parts):
    figures = iter([float("nan"), 0.5, float("nan"), 0.9])
    tokenizer, model = tiny()
    chosen = config(epochs=4, best_metric="r")
    run = training.fine_tune(model, tokenizer, *parts, chosen, lambda _: {"r": next(figures)})
    assert run.best_epoch == 4


def test_a_run_that_is_refused_leaves_the_model_s_settings(parts, run):
    tokenizer, model = tiny()
    training.fine_tune(model, tokenizer, *parts, settings(max_length=16))
    with pytest.raises(storage.StorageError, match="holds a run"):
        training.fine_tune(model, tokenizer, *parts, settings(max_length=99), output_dir=run)
    assert checkpoints.remembered(model)["max_length"] == 16


def test_a_classifier_that_keeps_its_head_keeps_its_names(tmp_path):
    _, model = checkpoints.load(seed=0, label_names=["bad", "good"], pretrained=False, **TINY)
    training.save(model, tiny()[0], tmp_path / "model")
    assert checkpoints.load(str(tmp_path / "model"))[1].config.id2label == {0: "bad", 1: "good"}
    named = checkpoints.load(str(tmp_path / "model"), label_names=["x", "y"])[1]
    assert named.config.id2label == {0: "x", 1: "y"}


def test_functions_are_told_apart_by_their_code_and_by_what_they_are_bound_to():
    def loss(y, t):
        return cross_entropy(y, t) * 2

    def same(y, t):
        return cross_entropy(y, t) * 2

    def other(y, t):
        return cross_entropy(y, t) * 3

    same.__qualname__ = other.__qualname__ = loss.__qualname__
    names = [training.name_of(function) for function in (loss, same, other)]
    assert names[0] == names[1] != names[2]
    bound = [partial(cross_entropy, weight=torch.tensor([1.0, w])) for w in (1.0, 1.0, 1.00001)]
    assert training.name_of(bound[0]) == training.name_of(bound[1]) != training.name_of(bound[2])
    modules = [torch.nn.CrossEntropyLoss(label_smoothing=s) for s in (0.1, 0.1, 0.2)]
    modules += [torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]))]
    found = [training.name_of(module) for module in modules]
    assert found[0] == found[1] and len(set(found)) == 3


def test_a_figure_that_no_epoch_has_is_said(parts):
    tokenizer, model = tiny()
    said = r'"f1" is not computed.*validation_loss, accuracy'
    with pytest.raises(training.TrainingError, match=said):
        training.fine_tune(model, tokenizer, *parts, settings(best_metric="f1"))


def test_texts_that_are_cut_are_counted_and_said(parts, capsys):
    tokenizer, model = tiny()
    run = training.fine_tune(model, tokenizer, *parts, settings(max_length=20))
    lengths = [len(tokenizer(text)["input_ids"]) for text in parts[0]["text"]]
    share = sum(length > 20 for length in lengths) / len(lengths)
    assert 0 < share < 1 and run.cut == share
    assert f"{share:.0%} of the training texts are longer than max_length = 20" in (
        capsys.readouterr().out
    )
    run = training.fine_tune(model, tokenizer, *parts, settings(max_length=max(lengths)))
    assert run.cut == 0
    assert "max_length" not in capsys.readouterr().out


def audited() -> set[str]:
    """The settings in the first column of the table in docs/guarantees.md."""
    text = (files_root() / "docs" / "guarantees.md").read_text(encoding="utf8")
    table = text.split("## 3.")[1].split("## 4.")[0]
    return {
        name
        for line in table.splitlines()
        for name in re.findall(r"`(\w+)`", line[: line.find("|", 1)])
    }


def files_root() -> Path:
    return Path(files.__file__).parents[1]


@pytest.mark.parametrize(
    "settings_of",
    [training.TrainingConfig, training.fine_tune, checkpoints.load, own_data.load],
    ids=lambda function: function.__name__,
)
def test_the_audit_names_every_setting_and_where_it_stays(settings_of):
    given = set(inspect.signature(settings_of).parameters)
    given -= {"model", "tokenizer", "train", "validation", "config", "path", "name"}  # no settings
    assert given <= audited()


@pytest.mark.parametrize(("before", "after"), [(2, 3), (1, 2), (2, 1)])
def test_a_saved_model_can_learn_other_classes_under_a_new_head(tmp_path, before, after):
    tokenizer, model = checkpoints.load(seed=0, num_labels=before, pretrained=False, **TINY)
    model.config.problem_type = "regression" if before == 1 else None
    training.save(model, tokenizer, tmp_path / "model")
    names = [f"class {number}" for number in range(after)]
    _, again = checkpoints.load(str(tmp_path / "model"), after, 7, names)
    assert again.classifier.weight.shape[0] == after
    assert list(again.config.id2label.values()) == names
    assert again.config.problem_type is None
    old, new = model.base_model.state_dict(), again.base_model.state_dict()
    assert old.keys() == new.keys() and all(torch.equal(old[name], new[name]) for name in old)
    _, same = checkpoints.load(str(tmp_path / "model"), after, 7, names)
    assert torch.equal(again.classifier.weight, same.classifier.weight)


# ---------------------------------------------------------------- readers


def test_a_reader_writes_nothing_and_never_fails_while_the_folder_is_replaced(tmp_path):
    target = tmp_path / "kept"
    fills = [lambda new, text=text: (new / "text").write_text(text) for text in "ab"]
    storage.write_folder(target, fills[0])
    done, seen, faults = threading.Event(), [], []

    def read():
        while not done.is_set() or len(seen) < 20:
            try:
                seen.append(
                    storage.read_folder(target, lambda place, m: (m, (place / "text").read_text()))
                )
            except Exception as error:
                faults.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        storage.write_folder(target, fills[number % 2])
    done.set()
    reader.join()
    assert not faults
    assert {text for _, text in seen} <= {"a", "b"}
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_verify_repairs_nothing(copy):
    """The writer that set the old folder aside was killed: readers find it there."""
    aside = copy.parent / f"{files.work_prefix(copy)}0123abcd"
    aside.mkdir()
    (aside / "new").mkdir()
    copy.rename(aside / "old")
    files.mark(aside)
    before = tree(copy.parent)
    storage.verify(copy)
    training.load(copy)
    assert tree(copy.parent) == before
    tokenizer, model = tiny()
    training.save(model, tokenizer, copy)
    assert [path.name for path in copy.parent.iterdir()] == ["model"]


# ---------------------------------------------------------------- resume


def test_a_run_is_not_gone_on_with_another_validation_part(parts, run):
    other = corpora.load("reviews")["validation"].select(range(16, 32))
    with pytest.raises(
        training.TrainingError, match=r"other rows or labels for the validation part"
    ):
        training.resume(run, parts[0], other)


@pytest.mark.parametrize(
    "options",
    [
        {"loss_function": partial(cross_entropy, label_smoothing=0.1)},
        {"compute_metrics": lambda prediction: {"accuracy": 0.0}},
    ],
    ids=["loss", "metrics"],
)
def test_a_run_is_not_gone_on_with_other_functions(parts, run, options):
    with pytest.raises(training.TrainingError, match=rf"another function for the {min(options)}"):
        training.resume(run, *parts, **options)


def another_run(parts, folder: Path) -> Path:
    tokenizer, model = tiny()
    training.fine_tune(model, tokenizer, *parts, settings(), output_dir=folder)
    return folder


def test_checkpoints_under_each_other_s_names_are_refused(parts, run):
    first, second = storage.stored_checkpoints(run)
    first.rename(run / "x")
    second.rename(first)
    (run / "x").rename(second)
    with pytest.raises(storage.StorageError, match=r"not hold the checkpoint that its name says"):
        training.resume(run, *parts)


@pytest.mark.parametrize("name", ["best", "step-00000002", "step-00000004"])
def test_parts_of_another_run_are_refused_even_if_that_ran_alike(parts, run, tmp_path, name):
    other = another_run(parts, tmp_path / "other")
    shutil.rmtree(run / name)
    (other / name).rename(run / name)
    with pytest.raises(storage.StorageError, match=r"belongs to another run"):
        training.resume(run, *parts)


def test_a_damaged_best_leads_out_when_the_advice_is_followed(parts, finished, run):
    (run / "best" / "config.json").write_text("{}")
    with pytest.raises(
        storage.StorageError, match=r"best/config\.json is damaged.*Move .*best away"
    ):
        training.resume(run, *parts)
    shutil.move(run / "best", run.parent / "aside")
    _, model, state = training.resume(run, *parts)
    assert state.finished
    _, expected = training.load(finished / "best")
    assert all(torch.equal(a, b) for a, b in zip(weights(model), weights(expected), strict=True))
    storage.verify(run / "best")


def test_a_damaged_checkpoint_leads_out_when_the_advice_is_followed(parts, finished, run):
    newest = storage.stored_checkpoints(run)[-1]
    (newest / "optimizer.safetensors").write_bytes(b"")
    with pytest.raises(storage.StorageError, match=r"damaged.*goes on from step-00000002"):
        training.resume(run, *parts)
    shutil.rmtree(newest)
    _, model, state = training.resume(run, *parts)
    assert state.finished
    _, expected = training.load(finished / "best")
    assert all(torch.equal(a, b) for a, b in zip(weights(model), weights(expected), strict=True))


def test_best_weights_that_are_nowhere_are_said(parts, tmp_path):
    figures = iter([0.9, 0.1, 0.1])
    tokenizer, model = tiny()
    chosen = config(epochs=3, best_metric="accuracy")
    metrics = {"compute_metrics": lambda _: {"accuracy": next(figures)}}
    training.fine_tune(model, tokenizer, *parts, chosen, output_dir=tmp_path, **metrics)
    shutil.rmtree(tmp_path / "best")
    with pytest.raises(storage.StorageError, match=r"weights of epoch 1.*Start again"):
        training.resume(tmp_path, *parts, **metrics)


def test_a_run_that_goes_on_cannot_be_resumed_beside_it(parts, tmp_path):
    """In the second epoch there is a checkpoint that another one could go on from."""
    said = []

    def resume_too():
        try:
            training.resume(tmp_path, *parts)
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")

    def on_step(state):
        if state.step == 3:
            thread = threading.Thread(target=resume_too)
            thread.start()
            thread.join()

    tokenizer, model = tiny()
    options = {"output_dir": tmp_path, "on_step": on_step}
    training.fine_tune(model, tokenizer, *parts, settings(), **options)
    assert said == [
        f"StorageError: another run is writing to {tmp_path}. Wait until it has ended, or choose "
        "another output_dir."
    ]
    assert len(storage.stored_checkpoints(tmp_path)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"epochs": 2, "warmup_steps": 5}},
        {"state": {"epoch": 1, "momentum": 0.9}},
        {"state": None},
    ],
)
def test_the_state_of_another_version_is_said(parts, run, change):
    newest = storage.stored_checkpoints(run)[-1]
    stored = json.loads((newest / "training.json").read_text())
    stored |= {k: (stored[k] | v if v else 17) for k, v in change.items()}
    reseal(newest, "training.json", json.dumps(stored).encode())
    with pytest.raises(storage.StorageError, match=r"another version of this course"):
        training.resume(run, *parts)


def reseal(folder: Path, name: str, content: bytes) -> None:
    """Change a stored file and its hash in the manifest, as whoever means it would."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = files.sha256(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_finished_run_says_so_and_goes_on_if_it_is_given_more_epochs(parts, run, capsys):
    training.resume(run, *parts)
    assert "finished: all 2 epochs are done. To train longer" in capsys.readouterr().out
    _, _, state = training.resume(run, *parts, epochs=4)
    assert [row["epoch"] for row in state.rows] == [1, 2, 3, 4] and state.config.epochs == 4
    assert "finished" not in capsys.readouterr().out
    with pytest.raises(training.TrainingError, match=r"epochs = 3 is too small"):
        training.resume(run, *parts, epochs=3)


def test_a_run_of_which_nothing_is_there_makes_no_folder(parts, tmp_path):
    with pytest.raises(storage.StorageError, match=r"no checkpoint to resume from"):
        training.resume(tmp_path / "none", *parts)
    assert not (tmp_path / "none").exists()


def press_stop(_) -> dict[str, float]:
    signal.raise_signal(signal.SIGINT)
    return {"accuracy": 0.5}


def test_ctrl_c_in_the_last_validation_is_heard_and_nothing_is_lost(parts, tmp_path):
    tokenizer, model = tiny()
    options = {"compute_metrics": press_stop, "output_dir": tmp_path}
    with pytest.raises(KeyboardInterrupt, match=r"training\.resume goes on"):
        training.fine_tune(model, tokenizer, *parts, config(epochs=1), **options)
    _, _, state = training.resume(tmp_path, *parts, compute_metrics=press_stop)
    assert state.finished and len(state.rows) == 1


def test_a_change_of_directory_does_not_split_a_run(parts, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)

    def wander(_):
        os.chdir(tmp_path / "elsewhere")
        return {"accuracy": 0.5}

    tokenizer, model = tiny()
    training.fine_tune(model, tokenizer, *parts, settings(), wander, output_dir="run")
    assert len(storage.stored_checkpoints(tmp_path / "run")) == 2
    assert not any((tmp_path / "elsewhere").iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows renames no folder with an open file")
def test_a_folder_that_is_renamed_during_training_is_noticed_and_goes_on_there(parts, tmp_path):
    def rename(state):
        if state.step == 3:
            (tmp_path / "run").rename(tmp_path / "renamed")

    tokenizer, model = tiny()
    with pytest.raises(storage.StorageError, match=r"renamed, moved or removed.*give it its name"):
        options = {"output_dir": tmp_path / "run", "on_step": rename}
        training.fine_tune(model, tokenizer, *parts, settings(), **options)
    assert not (tmp_path / "run").exists()
    _, _, state = training.resume(tmp_path / "renamed", *parts)
    assert state.finished


# ---------------------------------------------------------------- damage, and what is not read

DAMAGED = [b"", b"{}", b"[]", b"17", b"null", b'{"files"', b"\xff\xfe\x00", b"[" * 100_000]
DAMAGED += [json.dumps(m).encode() for m in (
    {"written_by": "sft-unveiled", "format": 2, "facts": {}, "files": {}, "editable": []},
    {"written_by": "sft-unveiled", "format": 2, "facts": {}, "files": [], "editable": []},
    {"written_by": "sft-unveiled", "format": 2, "files": {"config.json": 1}},
    {"written_by": "sft-unveiled", "format": 2, "facts": {}, "editable": [],
     "files": {"../../etc/passwd": "0" * 64}},
    {"written_by": "somebody", "format": 2, "facts": {}, "files": {"a": "b"}, "editable": []},
)]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_any_damage_to_a_manifest_is_said(parts, copy, run, content):
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(storage.StorageError, match=r"manifest\.json is damaged.*Move"):
        training.load(copy)
    newest = storage.stored_checkpoints(run)[-1]
    (newest / "manifest.json").write_bytes(content)
    with pytest.raises(storage.StorageError, match=r"damaged.*goes on from step-00000002"):
        training.resume(run, *parts)


def test_a_manifest_that_is_a_folder_or_missing_is_said(copy):
    (copy / "manifest.json").unlink()
    with pytest.raises(storage.StorageError, match=r"manifest\.json is missing"):
        training.load(copy)
    (copy / "manifest.json").mkdir()
    with pytest.raises(storage.StorageError, match=r"manifest\.json is missing"):
        training.load(copy)


def test_a_folder_of_a_later_version_is_said_and_not_replaced(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | {"format": 3}))
    with pytest.raises(storage.StorageError, match=r"format 3; this one reads format 2"):
        training.load(copy)
    before = tree(copy)
    with pytest.raises(storage.ForeignError):
        training.save(*tiny()[::-1], copy)
    assert tree(copy) == before


def test_a_folder_of_the_first_version_is_said_and_replaced_only_if_nobody_changed_it(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest["files"]))
    with pytest.raises(storage.StorageError, match=r"format 1; this one reads format 2"):
        training.load(copy)
    (copy / "notes.txt").write_text("mine")
    with pytest.raises(storage.ForeignError, match=r"notes\.txt"):
        training.save(*tiny()[::-1], copy)
    (copy / "notes.txt").unlink()
    training.save(*tiny()[::-1], copy)
    training.load(copy)


def test_a_file_or_a_missing_folder_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(storage.StorageError, match=r"is a file, not a folder"):
        training.load(tmp_path / "file")
    with pytest.raises(storage.StorageError, match=r"does not exist"):
        training.load(tmp_path / "none")


@pytest.mark.parametrize("missing", ["classifier.weight", "bert.embeddings.LayerNorm.bias"])
def test_weights_that_are_missing_are_not_made_up(copy, missing):
    tensors = storage.load_tensors(copy / "model.safetensors")
    del tensors[missing]
    storage.save_tensors(copy / "model.safetensors", tensors)
    reseal(copy, "model.safetensors", (copy / "model.safetensors").read_bytes())
    with pytest.raises(storage.StorageError, match="answer at random"):
        training.load(copy)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"model_type": 3}', b"[" * 100_000])
def test_whatever_a_stored_file_holds_there_is_one_kind_of_error(copy, name, content):
    reseal(copy, name, content)
    try:
        training.load(copy)
    except storage.StorageError as error:
        assert str(copy) in str(error)


@pytest.mark.parametrize("name", ["adapter_config.json", "modeling_own.py", "x/added_tokens.json"])
def test_a_file_that_was_not_stored_with_a_model_is_refused(copy, name):
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text("{}")
    for load in (training.load, lambda folder: checkpoints.load(str(folder))):
        with pytest.raises(storage.StorageError, match=rf"holds '{name}', which was not stored"):
            load(copy)


def test_a_card_may_be_filled_in_and_what_a_file_browser_leaves_hinders_nothing(tmp_path):
    tokenizer, model = tiny()
    storage.save_model(model, tokenizer, tmp_path / "model", "licence: *to be filled in*")
    (tmp_path / "model" / "README.md").write_text("licence: ours")
    (tmp_path / "model" / ".DS_Store").write_bytes(b"\0")
    copies = tmp_path / "model" / ".ipynb_checkpoints"
    copies.mkdir()
    (copies / "README-checkpoint.md").write_text("licence: ours")
    training.load(tmp_path / "model")
    before = tree(tmp_path)
    with pytest.raises(storage.ForeignError):
        training.save(model, tokenizer, tmp_path / "model")
    assert tree(tmp_path) == before


def test_a_pickle_under_the_name_of_safetensors_is_said_and_not_read(copy, tmp_path):
    reseal(copy, "model.safetensors", pickle.dumps(Payload(tmp_path / "executed")))
    with pytest.raises(storage.StorageError, match=r"not in the safetensors format"):
        training.load(copy)
    (copy / "manifest.json").unlink()
    with pytest.raises(checkpoints.CheckpointError, match=r"cannot be loaded"):
        checkpoints.load(str(copy))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("sealed", [True, False])
def test_a_program_that_a_folder_brings_along_is_not_run_and_nobody_is_asked(
    copy, tmp_path, sealed
):
    """In a process without a terminal: asking would end in another error."""
    found = json.loads((copy / "config.json").read_text())
    found["auto_map"] = {
        "AutoConfig": "own.Own",
        "AutoModelForSequenceClassification": "own.Model",
        "AutoModel": "own.Model",
    }
    found["model_type"] = "own"
    (copy / "own.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w').close()")
    (copy / "config.json").write_text(json.dumps(found))
    (copy / "manifest.json").unlink()
    if sealed:
        folders.seal(copy, {}, frozenset())
    program = (
        "import sys; from helpers import checkpoints, training\n"
        f"load = training.load if {sealed} else checkpoints.load\n"
        "try: load(sys.argv[1])\n"
        "except RuntimeError as error: print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", program, str(copy)]
    done = subprocess.run(
        command,
        input="y\ny\ny\n",
        capture_output=True,
        text=True,
        cwd=files_root(),
    )
    assert "runs none that a model brings along" in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "error",
    [
        Exception("No space left on device (os error 28)"),  # tokenizers writes in Rust
        OSError(28, "No space left on device"),
        OSError(122, "Disk quota exceeded"),
    ],
)
def test_a_disk_that_is_full_when_the_tokenizer_is_stored_is_said(copy, monkeypatch, error):
    def full(*_, **__):
        raise error

    tokenizer, model = tiny()
    monkeypatch.setattr(type(tokenizer), "save_pretrained", full)
    before = tree(copy.parent)
    with pytest.raises(storage.StorageError, match=r"unharmed. Make room"):
        training.save(model, tokenizer, copy)
    assert tree(copy.parent) == before


def test_a_fault_of_ours_is_not_called_a_full_disk(copy, monkeypatch):
    def broken(*_, **__):
        raise ValueError("a fault of ours")

    tokenizer, model = tiny()
    monkeypatch.setattr(type(tokenizer), "save_pretrained", broken)
    with pytest.raises(ValueError, match=r"a fault of ours"):
        training.save(model, tokenizer, copy)
