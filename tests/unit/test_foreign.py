"""Nothing that the course did not write is removed, replaced or renamed, place by place.

Stored folders of a training run: test_kept.py. Every place is listed in docs/guarantees.md.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from helpers import children, downloads, files, folders, gguf_weights
from tests.unit.test_downloads import place  # noqa: F401
from tests.unit.test_pack import OTHER, made, tiny, tiny_wheel  # noqa: F401
from tests.unit.test_tasks import copy, installs  # noqa: F401
from tools import clean, environment, fork, notebook_file, project
from tools.experiments import provenance, runs
from tools.site import build
from tools.teaching import pack, print_sheets, slides

MINE = "mine, and nobody else's"


def plant(path: Path, text: str = MINE) -> Path:
    """A file that somebody else put there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf8")
    return path


def everything(folder: Path) -> dict[str, bytes | str]:
    """All that lies below a folder: bytes of files, targets of links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


# ---------------------------------------------------------------- the virtual environment


@pytest.mark.parametrize(
    "kind", ["a folder", "a stamp of another", "a link", "a link that leads nowhere", "a file"]
)
def test_an_environment_of_the_users_own_stays(installs, tmp_path, kind):  # noqa: F811
    venv = tmp_path / ".venv"
    if kind == "a file":
        plant(venv)
    elif "link" in kind:
        if kind == "a link":
            plant(tmp_path / "elsewhere" / "pyvenv.cfg")
        venv.symlink_to(tmp_path / "elsewhere")
    else:
        plant(venv / "pyvenv.cfg")
        plant(venv / "notes" / "thesis.txt")
        plant(venv / "installed.txt", "flask\nnumpy\n") if "stamp" in kind else None
    before = everything(tmp_path)
    with pytest.raises(project.Trouble, match=r"did not make it(.|\n)*Nothing was changed. Rename"):
        environment.set_up(venv)
    assert everything(tmp_path) == before and installs == []


def test_an_empty_folder_of_that_name_is_used(installs, tmp_path):  # noqa: F811
    (tmp_path / ".venv").mkdir()
    environment.set_up(tmp_path / ".venv")
    assert files.is_marked(tmp_path / ".venv")


def test_an_environment_of_an_earlier_version_is_known_by_its_stamp(installs, tmp_path):  # noqa: F811
    """It had no mark. It is used as it is, gets one, and is made anew if its Python is gone."""
    venv = tmp_path / ".venv"
    python = environment.set_up(venv)
    (venv / files.MARK).unlink()
    environment.set_up(venv)
    assert files.is_marked(venv) and installs == ["make", "install"]
    (venv / files.MARK).unlink()
    python.unlink()
    environment.set_up(venv)
    assert installs == ["make", "install", "make", "install"]


def test_a_python_without_venv_leaves_what_the_next_try_may_remove(tmp_path, monkeypatch):
    monkeypatch.setattr(children, "finished", lambda command: (1, "No module named venv"))
    for _ in range(2):
        with pytest.raises(project.Trouble, match="sudo apt install"):
            environment.remake(tmp_path / ".venv")
    assert files.is_marked(tmp_path / ".venv")


def test_a_removal_that_is_killed_leaves_a_folder_that_is_still_ours(tmp_path, monkeypatch):
    files.make_marked(tmp_path / "a")
    for name in ("a", "z"):
        plant(tmp_path / "a" / name / "x")

    def killed(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(files.shutil, "rmtree", killed)
        files.remove_marked(tmp_path / "a")
    assert files.is_marked(tmp_path / "a")
    files.remove_marked(tmp_path / "a")
    assert not (tmp_path / "a").exists()


# ---------------------------------------------------------------- clean

SITE = {"index.html": "a page", "static/style.css": "a style"}
FETCHED = {"films/a.txt": "a film", "films/b/c.txt": "more", "films.lock": ""}
FETCHED |= {"model/m.gguf": "numbers", "model.lock": "", "model-safetensors.lock": ""}


@pytest.fixture
def used(copy, monkeypatch):  # noqa: F811
    """A course in which every command was used, and to which its owner added files of his own."""
    sources = {"films": {"members": {"a.txt": digest("a film"), "b/c.txt": digest("more")}}}
    sources["news"] = {"tree": "", "archive": "news.whl", "sha256": digest("wheel")}
    sources["films"] |= {"archive": "films.whl", "sha256": digest("wheel")}
    monkeypatch.setattr(project, "sources", lambda: sources)
    for name in (".venv", ".venv-lowest"):
        files.make_marked(copy / name)
        plant(copy / name / "pyvenv.cfg")
    sources["model"] = {"gguf": "m.gguf", "members": {"m.gguf": digest("numbers")}}
    sources["model"] |= {"archive": "model.whl", "sha256": digest("wheel")}
    for name, text in FETCHED.items():
        plant(copy / "data" / "downloads" / name, text)
    model = copy / "data" / "downloads" / gguf_weights.place("model").name
    folders.write_folder(model, lambda new: (plant(new / "config.json"), plant(new / "weights")))
    plant(copy / "data" / "downloads" / "news" / "one.txt", "an article")
    sources["news"]["tree"] = files.tree_sha256(copy / "data" / "downloads" / "news")
    for name, text in SITE.items():
        plant(copy / "outputs" / "site" / name, text)
    listed = {name: digest(text) for name, text in SITE.items()}
    manifest = {"written_by": "sft-unveiled", "format": 2, "facts": {}, "files": listed}
    plant(copy / "outputs" / "site" / "manifest.json", json.dumps(manifest | {"editable": []}))
    for name in ("slides/00_a.html", "slides/index.html", "sheets/shapes.html"):
        slides.write(copy / "outputs" / name, name)
    with files.replacing(copy / "outputs" / "tests" / "stages.json") as file:
        file.write("{}")
    plant(copy / "outputs" / "tests" / clean.LOCK, "")
    tag = "Signature: 8a477f597d28d172789f06886806bc55\n"
    plant(copy / ".pytest_cache" / "CACHEDIR.TAG", tag)
    plant(copy / ".pytest_cache" / "v" / "cache" / "nodeids")
    plant(copy / ".ruff_cache" / "CACHEDIR.TAG", tag)
    plant(copy / ".ruff_cache" / "0.17.6" / "x")
    sign = "# This .gitignore file was automatically created by Hypothesis. And so on"
    plant(copy / ".hypothesis" / ".gitignore", sign)
    plant(copy / ".hypothesis" / "constants" / "x")
    return copy


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return files.sha256_bytes(text.encode())


OWN = [
    ".venv-mine/pyvenv.cfg",
    "data/downloads/films/notes.txt",
    "data/downloads/model-safetensors/notes.txt",
    "data/downloads/films.partial-mine/x",
    "data/downloads/films.set-aside-1/x",
    "outputs/13/model.safetensors",
    "outputs/report.html",
    "outputs/site/my_page.html",
    "outputs/slides/mine.html",
    "outputs/sheets/shapes.pdf",
]


def test_clean_leaves_nothing_of_the_commands(used, capsys):
    """And git has not heard of anything that it removes."""
    shutil.copy(Path(__file__).parents[2] / ".gitignore", used)
    subprocess.run(["git", "init", "--quiet"], cwd=used, check=True)
    asked = ["git", "ls-files", "--others", "--exclude-standard", "-z"]
    kept = subprocess.run(asked, cwd=used, capture_output=True, text=True).stdout.split("\0")
    assert clean.main() == 0
    found = {name for name in everything(used) if not name.startswith(".git/")}
    assert found == set(kept) - {""}
    for name in (".venv", "data/downloads", "outputs"):
        assert not (used / name).exists()
    said = capsys.readouterr().out
    assert "removed data/downloads\n" in said and "removed outputs/site\n" in said
    assert "left" not in said


def test_clean_leaves_what_is_the_users_own_and_says_so(used, capsys):
    for name in OWN:
        plant(used / name)
    assert clean.main() == 0
    found, said = everything(used), capsys.readouterr().out
    assert {found.get(name) for name in OWN} == {MINE.encode()}
    assert not {name for name in found if name.startswith((".venv/", "outputs/site/static"))}
    for name in (".venv-mine", "outputs/13", "outputs/report.html"):
        assert f"left {name}: " in said
    for folder, name in {"data/downloads": "films", "outputs/site": "my_page.html"}.items():
        assert f"left in {folder}: {name}" in said


@pytest.mark.parametrize(
    "name",
    [
        "data/downloads/films/a.txt",
        "data/downloads/films.lock",
        "data/downloads/model-safetensors.lock",
        "data/downloads/model-safetensors/config.json",
        "data/downloads/news/one.txt",
        "outputs/sheets/shapes.html",
        "outputs/site/index.html",
        "outputs/slides/00_a.html",
        "outputs/tests/stages.json",
        "outputs/tests/stages.lock",
    ],
)
def test_clean_leaves_what_was_changed(used, name, capsys):
    plant(used / name, "an edit of mine")
    assert clean.main() == 0
    assert (used / name).read_text(encoding="utf8") == "an edit of mine"
    assert "left in " in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", [".pytest_cache/mine.txt", ".ruff_cache/mine/x", ".hypothesis/mine.txt"]
)
def test_clean_leaves_a_cache_in_which_somebody_put_something(used, name, capsys):
    plant(used / name)
    assert clean.main() == 0
    assert (used / name).read_text(encoding="utf8") == MINE
    assert f"left {name.split('/')[0]}: " in capsys.readouterr().out


def test_clean_follows_no_link(used, tmp_path_factory, capsys):
    """Data that lie in a shared folder are not this course's to remove."""
    shared = tmp_path_factory.mktemp("shared") / "films"
    shutil.move(used / "data" / "downloads" / "films", shared)
    (used / "data" / "downloads" / "films").symlink_to(shared)
    before = everything(shared)
    assert clean.main() == 0
    assert everything(shared) == before and len(before) == 2
    assert "left in data/downloads: films" in capsys.readouterr().out


@pytest.mark.parametrize("linked", ["data/downloads", "data", "outputs/site", "outputs"])
def test_clean_leaves_what_a_linked_folder_holds(used, tmp_path_factory, linked, capsys):
    """Several clones may share their data, or a page lie where a server shows it."""
    shared = tmp_path_factory.mktemp("shared") / "folder"
    shutil.move(used / linked, shared)
    (used / linked).symlink_to(shared)
    before = everything(shared)
    assert clean.main() == 0
    assert everything(shared) == before and len(before) > 2
    said = (
        "outputs/site" if linked == "outputs" else "data/downloads" if linked == "data" else linked
    )
    assert f"left {said}: it is a link" in capsys.readouterr().out


def test_clean_does_not_believe_a_manifest_that_leads_elsewhere(used, capsys):
    """It may name only what lies below its folder, and only one that the course wrote counts."""
    model, own = used / "data" / "downloads" / "model-safetensors", plant(used / "own" / "a.txt")
    listed = {"../../../own/a.txt": digest(MINE), str(own): digest(MINE), "weights": digest(MINE)}
    for writer in ("sft-unveiled", "another"):
        manifest = {"written_by": writer, "format": 2, "facts": {}, "files": listed}
        plant(model / "manifest.json", json.dumps(manifest | {"editable": []}))
        plant(model / "weights")
        assert clean.main() == 0
        assert own.read_text(encoding="utf8") == MINE
        assert (model / "weights").is_file() == (writer == "another")


# ---------------------------------------------------------------- the repository's own files


def test_a_notebook_that_is_edited_while_it_is_refreshed_keeps_the_edit(tmp_path):
    path = tmp_path / "10_example.ipynb"
    cells = [f"import pathlib; p = pathlib.Path({str(path)!r})"]
    cells.append("p.write_text(p.read_text().replace('import pathlib', 'import  pathlib'))")
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path
    )
    command = [sys.executable, "-m", "tools.run_notebooks", str(path)]
    ran = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True)
    assert ran.returncode != 0 and "edited while it ran" in ran.stderr
    assert "refresh 10" in ran.stderr
    # A traceback of ours; the kernel may print one of its own while it is being shut down.
    assert str(project.ROOT / "tools") not in ran.stderr
    text = path.read_text(encoding="utf8")
    assert "import  pathlib" in text and '"output_type"' not in text
    assert [other.name for other in tmp_path.iterdir()] == [path.name]


def test_a_fork_does_not_need_a_name_that_is_taken(copy):  # noqa: F811
    planted = [plant(copy / f"{name}.partial") for name in ("README.md", "pyproject.toml")]
    assert fork.main("https://github.com/someone/else") == 0
    assert {path.read_text(encoding="utf8") for path in planted} == {MINE}


def test_a_file_that_changes_after_it_was_read_keeps_the_change(copy, monkeypatch, capsys):  # noqa: F811
    """`fork`, with somebody who saves a file between its reading and its writing."""
    readdress, before = fork.readdress, (copy / "LICENSE-TEXT.md").read_text(encoding="utf8")

    def meanwhile(text, old, new):
        if text == before:
            plant(copy / "LICENSE-TEXT.md")
        return readdress(text, old, new)

    monkeypatch.setattr(fork, "readdress", meanwhile)
    assert project.ended(lambda: fork.main("https://github.com/someone/else")) == 1
    assert (copy / "LICENSE-TEXT.md").read_text(encoding="utf8") == MINE
    assert "was changed by somebody else" in capsys.readouterr().err


def test_rows_that_another_program_adds_meanwhile_are_kept(tmp_path, monkeypatch):
    results, to_text = tmp_path / "results.csv", runs.as_text
    planted = plant(tmp_path / "results.partial")
    runs.append(results, {"seed": 0, "value": 0.1})
    others = iter([1, 2])

    def meanwhile(csv):
        rows = to_text(csv)
        for seed in others:
            with results.open("a", encoding="utf8") as file:
                file.write(f"{seed},0.30000000000000004\n")
            break
        return rows

    monkeypatch.setattr(runs, "as_text", meanwhile)
    runs.append(results, {"seed": 3, "value": 1 / 3})
    assert sorted(pd.read_csv(results)["seed"]) == [0, 1, 2, 3]
    assert planted.read_text(encoding="utf8") == MINE
    assert len(list(tmp_path.iterdir())) == 2


def test_rows_that_are_there_keep_every_digit(tmp_path):
    text = "seed,value,n\n0,0.30000000000000004,\n1,1e-7,5\n2,NA,007\n"
    results = plant(tmp_path / "results.csv", text)
    runs.append(results, {"seed": 3, "n": 6, "new": True})
    lines = results.read_text(encoding="utf8").splitlines()
    assert lines[1:4] == [f"{line}," for line in text.splitlines()[1:]]
    assert lines[0] == "seed,value,n,new" and lines[4] == "3,,6,True"


@pytest.mark.parametrize("kind", ["a link", "a folder"])
def test_a_benchmark_writes_no_table_over_a_link_or_a_folder(tmp_path, kind):
    target = tmp_path / "results.csv"
    elsewhere = plant(tmp_path / "elsewhere.csv")
    target.symlink_to(elsewhere) if kind == "a link" else target.mkdir()
    for write in (
        lambda: runs.append(target, {"seed": 0}),
        lambda: provenance.write_page(target, "text"),
    ):
        with pytest.raises(files.ForeignError, match="was left as it is"):
            write()
    assert elsewhere.read_text(encoding="utf8") == MINE
    assert len(list(tmp_path.iterdir())) == 2


# ---------------------------------------------------------------- pages that are written


@pytest.fixture
def small_site(monkeypatch):
    """The site's way of writing, without its pages."""
    monkeypatch.setattr(build, "fill", lambda new, found: plant(new / "index.html", "a page"))


@pytest.mark.parametrize("name", ["notes.txt", "index.html", "static/mine.css"])
def test_a_site_to_which_somebody_added_something_is_not_replaced(tmp_path, small_site, name):
    target, beside = tmp_path / "site", plant(tmp_path / "site.partial" / "x")
    build.build(target)
    build.build(target)
    plant(target / name)
    before = everything(tmp_path)
    with pytest.raises(files.ForeignError, match=f"{name}.*Nothing was replaced or removed"):
        build.build(target)
    assert everything(tmp_path) == before
    assert beside.read_text(encoding="utf8") == MINE


def test_the_site_command_says_it_in_one_message(tmp_path, small_site, monkeypatch):
    plant(tmp_path / "thesis" / "chapter.tex")
    monkeypatch.setattr(sys, "argv", ["build", str(tmp_path / "thesis")])
    with pytest.raises(SystemExit, match=r"chapter\.tex"):
        build.main()
    assert everything(tmp_path) == {"thesis/chapter.tex": MINE.encode()}


def test_slides_of_somebody_else_and_edited_ones_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "TARGET", tmp_path)
    monkeypatch.setattr(slides, "of_notebook", lambda notebook: ["a slide"])
    path = project.NOTEBOOKS / "00_start_here.ipynb"
    planted = plant(tmp_path / "00_start_here.html.partial")
    slides.main([path])
    slides.main([path])
    for name in ("index.html", "00_start_here.html"):
        written = (tmp_path / name).read_text(encoding="utf8")
        plant(tmp_path / name)
        with pytest.raises(files.ForeignError, match=rf"{name} was not written by this course, or"):
            slides.main([path])
        assert (tmp_path / name).read_text(encoding="utf8") == MINE
        plant(tmp_path / name, written)
    assert planted.read_text(encoding="utf8") == MINE


def test_an_edited_cheat_sheet_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(print_sheets, "TARGET", tmp_path)
    print_sheets.main()
    sheet = plant(tmp_path / f"{print_sheets.SHEETS[0].stem}.html")
    with pytest.raises(files.ForeignError, match=sheet.name):
        print_sheets.main()
    assert sheet.read_text(encoding="utf8") == MINE


# ---------------------------------------------------------------- packs


def test_a_pack_takes_no_name_beside_it(tiny, tmp_path):  # noqa: F811
    planted = plant(tmp_path / "p.partial" / "thesis.txt")
    pack.make(tmp_path / "p", tiny, tiny_wheel, {})
    assert planted.read_text(encoding="utf8") == MINE


@pytest.mark.parametrize("kind", ["a file", "a link"])
def test_a_pack_does_not_take_the_place_of_a_file_or_a_link(tiny, tmp_path, kind):  # noqa: F811
    (tmp_path / "empty").mkdir()
    target = tmp_path / "p"
    target.symlink_to(tmp_path / "empty") if kind == "a link" else plant(target)
    with pytest.raises(pack.PackError, match=f"is {kind}, not a folder"):
        pack.make(target, tiny, tiny_wheel, {})
    assert target.is_symlink() == (kind == "a link") and not list((tmp_path / "empty").iterdir())


def test_what_a_teacher_put_into_a_pack_stays_when_wheels_are_added(
    made,  # noqa: F811
    tiny,  # noqa: F811
    monkeypatch,
    capsys,
):
    own = [plant(made / name) for name in ("notes.txt", "READ_ME_FIRST.md", "wheels/notes.txt")]
    own += [plant(made / "wheels" / f"{OTHER}.partial" / "x"), plant(made / "films" / "a.mp4")]
    monkeypatch.setattr(pack, "tag", lambda: OTHER)
    pack.make(made, tiny, tiny_wheel, {})
    assert {path.read_text(encoding="utf8") for path in own} == {MINE}
    assert "READ_ME_FIRST.md was edited since the pack was made" in capsys.readouterr().out
    assert f"wheels/{OTHER}/tiny-1.0-py3-none-any.whl" in pack.sums(made)
    assert "notes.txt" not in pack.sums(made)
    pack.verify(made, OTHER)


def test_damage_is_not_listed_as_right_when_wheels_are_added(made, tiny, monkeypatch):  # noqa: F811
    plant(made / "sources" / "films" / "a.txt", "a filn")
    monkeypatch.setattr(pack, "tag", lambda: OTHER)
    pack.make(made, tiny, tiny_wheel, {})
    with pytest.raises(pack.PackError, match=r"a\.txt .* is damaged"):
        pack.verify(made, OTHER)


def test_a_pack_holds_no_folder_that_somebody_put_beside_the_downloads(tiny, tmp_path):  # noqa: F811
    plant(tiny / "data" / "downloads" / "films.set-aside-1" / "a.txt")
    plant(tiny / "data" / "downloads" / "private" / "a.txt")
    pack.make(tmp_path / "p", tiny, tiny_wheel, {"news": "somebody owns it"})
    assert {path.name for path in (tmp_path / "p" / "sources").iterdir()} == {"films"}


def test_data_that_a_pack_would_replace_are_set_aside(made, tiny, capsys):  # noqa: F811
    folder = tiny / "data" / "downloads"
    before = everything(folder / "news")
    own = plant(folder / "films" / "a.txt"), plant(folder / "films" / "notes.txt")
    beside = plant(folder / "films.partial-stick" / "x")
    pack.place(made, tiny, {})
    aside = folder / "films.set-aside-1"
    assert {(aside / path.name).read_text(encoding="utf8") for path in own} == {MINE}
    assert str(aside) in capsys.readouterr().out
    assert (folder / "films" / "a.txt").read_text(encoding="utf8") == "a film"
    assert beside.read_text(encoding="utf8") == MINE and everything(folder / "news") == before


def test_data_that_are_right_stay_with_what_lies_beside_them(made, tiny):  # noqa: F811
    own = plant(tiny / "data" / "downloads" / "films" / "notes.txt")
    pack.place(made, tiny, {})
    assert own.read_text(encoding="utf8") == MINE
    assert not list((tiny / "data" / "downloads").glob("*aside*"))


def test_a_note_of_somebody_else_is_not_taken_for_the_one_of_a_pack(made, tiny):  # noqa: F811
    note = plant(tiny / "data" / "downloads" / pack.MARK)
    with pytest.raises(files.ForeignError, match=pack.MARK):
        pack.place(made, tiny, {"news": "somebody owns it"})
    assert note.read_text(encoding="utf8") == MINE


# ---------------------------------------------------------------- downloads


@pytest.mark.parametrize(
    ("planted", "now"),
    [
        ("thing/notes.txt", "thing.set-aside-1/notes.txt"),  # beside a member that is missing
        ("thing/a.txt", "thing.set-aside-1/a.txt"),  # in the place of one
        ("thing", "thing.set-aside-1"),
        ("thing.partial-mine/half", "thing.partial-mine/half"),
        ("thing.partial-mine", "thing.partial-mine"),
        (".sft-unveiled-thing.01234567/x", ".sft-unveiled-thing.01234567/x"),
    ],
)
def test_a_download_loses_nothing_that_was_in_its_place(place, planted, now, capsys):  # noqa: F811
    folder, *_ = place
    plant(folder / planted)
    assert (downloads.folder("thing") / "a.txt").read_bytes() == b"hello"
    assert (folder / now).read_text(encoding="utf8") == MINE
    said = capsys.readouterr().out
    assert (str(folder / now.split("/")[0]) in said) == (planted != now)
    assert len(said.splitlines()) == (planted != now)


def test_a_download_in_the_place_of_a_link_leaves_what_it_leads_to(place, tmp_path, capsys):  # noqa: F811
    folder, *_ = place
    elsewhere = plant(tmp_path / "shared" / "a.txt")
    folder.mkdir()
    (folder / "thing").symlink_to(elsewhere.parent)
    assert (downloads.folder("thing") / "a.txt").read_bytes() == b"hello"
    assert elsewhere.read_text(encoding="utf8") == MINE
    assert (folder / "thing.set-aside-1").readlink() == elsewhere.parent


def test_a_download_that_fails_moves_nothing(place):  # noqa: F811
    folder, source, _ = place
    plant(folder / "thing" / "a.txt")
    source["sha256"] = "0" * 64
    before = everything(folder)
    with pytest.raises(downloads.DownloadError):
        downloads.folder("thing")
    assert everything(folder) == before | {"thing.lock": b""}


def test_a_download_with_members_missing_is_completed_without_a_word(place, capsys):  # noqa: F811
    folder, *_ = place
    (folder / "thing").mkdir(parents=True)
    downloads.folder("thing")
    assert everything(folder) == {"thing/a.txt": b"hello", "thing.lock": b""}
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", ["a file", "a link", "a folder"])
def test_a_lock_of_somebody_else_is_not_emptied(place, tmp_path, kind):  # noqa: F811
    folder, *_ = place
    if kind == "a link":
        folder.mkdir()
        (folder / "thing.lock").symlink_to(plant(tmp_path / "elsewhere"))
    else:
        plant(folder / ("thing.lock/x" if kind == "a folder" else "thing.lock"))
    before = everything(folder)
    with pytest.raises(downloads.DownloadError, match="Rename it and run the same command again"):
        downloads.folder("thing")
    assert everything(folder) == before
    if kind == "a link":
        assert (tmp_path / "elsewhere").read_text(encoding="utf8") == MINE


# ---------------------------------------------------------------- no other place in the code

# What deletes, renames or moves, wherever it is named; then what does so only by its arguments.
REMOVES = {"rmtree", "unlink", "rmdir", "removedirs", "renames"}
OF_MODULES = {("os", "remove"), ("os", "replace"), ("os", "rename"), ("shutil", "move")}
# What writes. Of `shutil` only what copies; `open` only with a mode that writes.
WRITES = {"write_text", "write_bytes", "touch", "to_csv", "to_json", "to_parquet", "to_pickle"}
WRITES |= {"to_excel", "to_html", "savefig", "save_pretrained", "save_file", "symlink_to"}
WRITES |= {"hardlink_to", "extractall", "NamedTemporaryFile", "mkstemp", "FileLock"}
COPIES = {"copy", "copy2", "copyfile", "copytree"}
# Without a path these return text; "to_csv()" is one.
TEXT_WITHOUT_A_PATH = {"to_csv", "to_json", "to_html"}
HELD = {"helpers/files.py", "helpers/folders.py"}

IN_A_MARKED_FOLDER = "inside .venv, which was marked before"
INTO_A_NEW_FOLDER = "into the folder that write_folder or work_folder gives, which is its own"
INTO_A_TEMPORARY_FOLDER = "into a TemporaryDirectory"
ALLOWED = {  # (file, function); in a notebook (file, cell)
    ("tools/environment.py", "install"): IN_A_MARKED_FOLDER,
    ("tools/environment.py", "logged"): IN_A_MARKED_FOLDER,
    ("tools/environment.py", "quiet_jupyter"): IN_A_MARKED_FOLDER,
    ("tools/environment.py", "add"): IN_A_MARKED_FOLDER,
    ("tools/site/build.py", "fill"): INTO_A_NEW_FOLDER,
    ("tools/site/build.py", "write_page"): INTO_A_NEW_FOLDER,
    ("tools/site/build.py", "place_pictures"): INTO_A_NEW_FOLDER,
    ("tools/site/build.py", "write_search"): INTO_A_NEW_FOLDER,
    ("tools/teaching/pack.py", "copy_files"): INTO_A_NEW_FOLDER,
    ("helpers/downloads.py", "download"): INTO_A_NEW_FOLDER,
    ("helpers/downloads.py", "unpack"): INTO_A_NEW_FOLDER,
    ("helpers/gguf_weights.py", "convert"): INTO_A_NEW_FOLDER,
    ("helpers/lora.py", "save"): INTO_A_NEW_FOLDER,
    ("helpers/storage.py", "save_tensors"): INTO_A_NEW_FOLDER,
    ("helpers/storage.py", "fill_model"): INTO_A_NEW_FOLDER,
    ("helpers/storage.py", "fill"): INTO_A_NEW_FOLDER,
    ("helpers/serving/engines.py", "fill"): INTO_A_NEW_FOLDER,
    ("helpers/serving/engines.py", "write_int8"): INTO_A_NEW_FOLDER,
    ("helpers/validation.py", "scores_of"): INTO_A_NEW_FOLDER,
    ("helpers/validation.py", "claim"): INTO_A_NEW_FOLDER,
    ("tools/experiments/training_speed.py", "by_trainer"): INTO_A_TEMPORARY_FOLDER,
    ("tools/experiments/cost_against_size.py", "numbered_csv"): INTO_A_TEMPORARY_FOLDER,
    ("tools/experiments/many_rows.py", "written"): INTO_A_TEMPORARY_FOLDER,
    ("helpers/downloads.py", "locked"): "a lock empties its file; check_lock has looked at that",
    ("helpers/storage.py", "locked"): "a lock empties its file; that is looked at before",
    ("helpers/own_data/resuming.py", "opened"): "it adds to a file, once its first line is known",
    ("tools/experiments/runs.py", "append"): "an empty file of its own, among temporary files",
    ("tools/mutants/run.py", "report_to"): "it opens the null device",
}


def called(node: ast.AST) -> tuple[str, str]:
    """(what stands before the last point, name) of a function that is named or called."""
    if isinstance(node, ast.Attribute):
        return ast.unparse(node.value), node.attr
    return ("", node.id) if isinstance(node, ast.Name) else ("", "")


def opens_to_write(call: ast.Call, method: bool) -> bool:
    """Whether an `open` may write; a mode that is not written out counts as one that does."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    at = 0 if method else 1
    mode = given.get("mode", call.args[at] if len(call.args) > at else ast.Constant("r"))
    return not (isinstance(mode, ast.Constant) and set(str(mode.value)) <= set("rbt"))


def writes(node: ast.Call) -> bool:
    """Whether a call may write a file."""
    before, name = called(node.func)
    if name == "open" and before not in ("os", "tarfile", "zipfile", "gzip", "bundle", "Image"):
        return opens_to_write(node, method=bool(before))
    if name in TEXT_WITHOUT_A_PATH:
        return bool(node.args) or any(k.arg in ("path_or_buf", "buf") for k in node.keywords)
    return (
        name in WRITES
        or (name in COPIES and before == "shutil")
        or (before, name)
        in {
            ("os", "open"),
            ("np", "save"),
            ("torch", "save"),
        }
    )


def removes(node: ast.AST) -> bool:
    """Whether a node names or calls something that deletes, renames or moves a file."""
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        return node.module in ("os", "shutil") and bool(names & {*REMOVES, "remove", "rename"})
    if isinstance(node, ast.Attribute):
        return node.attr in REMOVES or called(node) in OF_MODULES
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        one = (
            len(node.args) == 1 and not node.keywords
        )  # str.replace has two, DataFrame.rename none
        return one and node.func.attr in ("rename", "replace")
    return False


def walk(node: ast.AST, function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Every node, with the name of the innermost function around it."""
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef) else function
        yield child, inside
        yield from walk(child, inside)


def safe_names(tree: ast.AST) -> set[str]:
    """Names of files that `replacing` opened, and of buffers in memory."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.withitem) and node.optional_vars:
            given = getattr(node.context_expr, "func", node.context_expr)
            names |= {ast.unparse(node.optional_vars)} if called(given)[1] == "replacing" else set()
        elif isinstance(node, ast.Assign) and ast.unparse(node.value) == "io.BytesIO()":
            names.add(ast.unparse(node.targets[0]))
    return names


def found_in(source: str) -> list[tuple[str, str]]:
    """(function, code) of all that removes or writes in a program."""
    found, tree = [], ast.parse(source)
    safe = safe_names(tree)
    for node, function in walk(tree):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]) in safe:
            continue
        if removes(node) or (isinstance(node, ast.Call) and writes(node)):
            found.append((function, ast.unparse(node)))
    return found


def all_found() -> Iterator[tuple[str, str, str]]:
    """(file, function or cell, code) of all that removes or writes in the project."""
    paths = [project.ROOT / "tasks.py"]
    for folder in ("helpers", "tools"):
        paths += sorted((project.ROOT / folder).rglob("*.py"))
    for path in paths:
        name = path.relative_to(project.ROOT).as_posix()
        for function, code in found_in(path.read_text(encoding="utf8")) if name not in HELD else []:
            yield name, function, code
    for path in project.notebooks():
        for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
            source = notebook_file.joined(cell["source"]) if cell["cell_type"] == "code" else ""
            source = re.sub(r"^( *)%.*", r"\1pass", source, flags=re.MULTILINE)  # %pip install
            for _, code in found_in(source):
                yield path.relative_to(project.ROOT).as_posix(), cell["id"], code


def test_no_other_place_removes_renames_or_overwrites_anything():
    found = [f"{p}, {f}: {code}" for p, f, code in all_found() if (p, f) not in ALLOWED]
    assert not found, "use helpers.files or helpers.folders:\n" + "\n".join(found)


def test_every_exception_is_needed():
    assert not set(ALLOWED) - {(path, function) for path, function, _ in all_found()}


@pytest.mark.parametrize(
    "planted",
    [
        "shutil.rmtree(folder)",
        "remove = shutil.rmtree",
        "from shutil import rmtree",
        "from os import remove",
        "path.unlink(missing_ok=True)",
        "os.remove(path)",
        "os.rename(a, b)",
        "os.replace(a, b)",
        "a.rename(b)",
        "a.replace(b)",
        "folder.rmdir()",
        "os.removedirs(folder)",
        "shutil.move(a, b)",
        "path.write_text('x')",
        "path.write_bytes(b'x')",
        "open(path, 'w')",
        "open(path, mode)",
        "path.open('a')",
        "path.open(mode='r+')",
        "table.to_csv(path, index=False)",
        "table.to_csv(path_or_buf=path)",
        "figure.savefig(path)",
        "shutil.copytree(a, b)",
        "shutil.copy(a, b)",
        "model.save_pretrained(folder)",
        "os.open(path, os.O_WRONLY)",
        "FileLock(path)",
    ],
)
def test_the_search_sees_what_is_planted(planted):
    source = f"def f(a, b):\n    if a:\n        {planted}\n"
    assert [function for function, _ in found_in(source)] and found_in(source)[0][0] == "f"


@pytest.mark.parametrize(
    "harmless",
    [
        "text.replace('a', 'b')",
        "table.rename(columns={'a': 'b'})",
        "when.replace(tzinfo=None)",
        "names.remove('a')",
        "open(path)",
        "path.open('rb')",
        "open(path, encoding='utf8', newline='')",
        "table.to_csv(index=False)",
        "with own_data.replacing(path) as file:\n    table.to_csv(file)",
        "buffer = io.BytesIO()\nfigure.savefig(buffer)",
        "copy.copy(a)",
        "a.copy()",
    ],
)
def test_the_search_passes_over_what_changes_no_file(harmless):
    assert found_in(harmless) == []
