"""The folder for a room without a network: what goes in, what is refused, what is set up."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from argparse import Namespace
from pathlib import Path

import pytest

from helpers import downloads, files, gguf_weights
from tools import describe, environment, project
from tools.teaching import pack, pack_texts, packing

OTHER = "cp27-plan9-vax"
SOURCES = """
[films]
tree = "of all files"
[news]
members = { "secret.txt" = "its hash" }
"""


def tiny_wheel(folder: Path) -> None:
    """A wheel of one module, as pip wants it."""
    inside = {
        "tiny.py": "ANSWER = 42\n",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.4\nName: tiny\nVersion: 1.0\n"
        "License-Expression: MIT\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        "tiny-1.0.dist-info/RECORD": "tiny.py,,\n",
    }
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in inside.items():
            wheel.writestr(name, text)


@pytest.fixture
def tiny(tmp_path) -> Path:
    """A course of one package and two sources, with the real commands."""
    root = tmp_path / "course"
    shutil.copytree(project.ROOT / "tools", root / "tools")
    shutil.copytree(project.ROOT / "data" / "licences", root / "data" / "licences")
    shutil.copy(project.ROOT / "tasks.py", root)
    (root / "helpers").mkdir()
    for name in ("__init__.py", "children.py", "files.py", "pip_errors.py"):
        shutil.copy(project.ROOT / "helpers" / name, root / "helpers")
    texts = {
        "pyproject.toml": '[project]\nversion = "0.1.0"\n',
        "requirements.txt": "",
        "requirements/dev.txt": "tiny\n",
        "requirements/constraints.txt": "tiny==1.0\n",
        "data/sources.toml": SOURCES,
        "data/downloads/films/a.txt": "a film",
        "data/downloads/films/deeper/b.txt": "another",
        "data/downloads/news/secret.txt": "may not be passed on",
        "data/downloads/films.lock": "",
        "data/downloads/films-safetensors/model.safetensors": "made of the films",
        ".venv/x": "not to be packed",
    }
    course = [name for name in texts if not name.startswith(("data/downloads/", ".venv"))]
    here = [name for name in pack.files_below(root) if "__pycache__" not in name]
    texts[pack.LIST] = "".join(f"{name}\n" for name in [*here, *course, pack.LIST])
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf8")
    return root


@pytest.fixture
def made(tiny, tmp_path) -> Path:
    """A pack of it."""
    reason = {"news": "somebody owns it"}
    return pack.make(tmp_path / "stick" / "pack", tiny, tiny_wheel, reason)


def test_a_pack_holds_what_is_needed_and_not_what_may_not_be_passed_on(made):
    names = pack.files_below(made)
    assert "sources/films/deeper/b.txt" in names
    assert f"wheels/{pack.tag()}/tiny-1.0-py3-none-any.whl" in names
    assert "course/tasks.py" in names
    left = ("secret", ".venv", "safetensors")  # a converted model is made where it is used
    assert not [name for name in names if any(word in name for word in left)]
    assert set(pack.sums(made)) == set(names) - {"SHA256SUMS"}
    assert [path.name for path in made.parent.iterdir()] == ["pack"]


def test_a_pack_says_how_to_start_and_under_which_terms(made):
    said = (made / "READ_ME_FIRST.md").read_text(encoding="utf8")
    assert "lab --from" in said and "STICK/pack/course" in said
    assert "`news`: somebody owns it" in said
    assert "write `python{}.{}`".format(*sys.version_info[:2]) in said
    assert "| tiny | 1.0 | MIT |" in (made / "LICENCES.md").read_text(encoding="utf8")


def test_a_pack_says_what_its_list_protects_from_and_what_not(made):
    said = " ".join((made / "READ_ME_FIRST.md").read_text(encoding="utf8").split())
    assert "finds a file that was damaged or cut off" in said
    assert "does not protect you from somebody who changed the stick on purpose" in said
    assert "take it from a person you trust" in said


@pytest.mark.parametrize("name", ["pack.json", "SHA256SUMS"])
@pytest.mark.parametrize("content", [b"\xff\xfe\0", b"{", b"[]", b"17", b'{"left_out": 3}'])
def test_a_pack_whose_own_lists_are_damaged_is_told(made, tiny, name, content):
    (made / name).write_bytes(content)
    with pytest.raises(
        pack.PackError, match=r"is damaged\. Nothing was installed\. Copy the pack anew"
    ):
        pack.opened(made, tiny)


def no_network() -> list[str]:
    """What to put before a command so that it has no network."""
    if shutil.which("unshare") is None:
        pytest.skip("the network cannot be cut off: there is no unshare")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0:
        pytest.skip("the network cannot be cut off: unshare -n is not permitted")
    return ["unshare", "-n"]


def set_up(course: Path, folder: Path) -> subprocess.CompletedProcess:
    """`lab --from` without JupyterLab, in a process that has no network."""
    code = "import sys; from pathlib import Path; from tools import project\n"
    code += "from tools.teaching.packing import set_up_from\n"
    code += f"sys.exit(project.ended(lambda: set_up_from(Path({str(folder)!r})) and 0))"
    command = [*no_network(), sys.executable, "-c", code]
    return subprocess.run(command, cwd=course, capture_output=True, text=True)


def test_everything_is_set_up_without_a_network(made, tmp_path):
    """A real virtual environment, the real pip, a wheel from the stick."""
    fresh = tmp_path / "laptop"
    shutil.copytree(made / "course", fresh)
    assert set_up(fresh, made).returncode == 0
    python = environment.python_of(fresh / ".venv")
    asked = [str(python), "-c", "import tiny; print(tiny.ANSWER)"]
    assert subprocess.run(asked, capture_output=True, text=True).stdout == "42\n"
    assert (fresh / "data/downloads/films/a.txt").read_text(encoding="utf8") == "a film"
    assert pack.not_brought(fresh) == ["news"]
    assert not (fresh / "data/downloads/news").exists()


def test_a_file_that_was_damaged_on_the_stick_stops_before_anything_is_installed(made, tiny):
    (made / "sources/films/a.txt").write_text("a filn", encoding="utf8")
    shutil.rmtree(tiny / ".venv")
    ran = set_up(tiny, made)
    assert "sources/films/a.txt" in ran.stderr and "damaged" in ran.stderr
    assert not (tiny / ".venv").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda made: (made / "sources/films/a.txt").unlink(), "a.txt is missing"),
        (lambda made: (made / "sources/films/new").touch(), "sources/films/new is not listed"),
        (lambda made: tiny_wheel(made / "wheels" / pack.tag()), "damaged"),
    ],
)
def test_what_is_not_as_the_list_says_is_refused(made, change, said):
    wheel = made / "wheels" / pack.tag() / "tiny-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes() + b"x") if said == "damaged" else change(made)
    with pytest.raises(pack.PackError, match=said):
        pack.verify(made, pack.tag())


def test_wheels_of_other_systems_are_not_read(made):
    (made / "wheels" / OTHER).mkdir()
    (made / "wheels" / OTHER / "x.whl").write_bytes(b"not listed, and nobody cares")
    pack.verify(made, pack.tag())


def test_a_folder_that_is_no_pack_is_told(tmp_path, tiny):
    with pytest.raises(pack.PackError, match=r"is no pack: it has no pack\.json"):
        pack.opened(tmp_path, tiny)


def test_a_pack_of_another_version_is_told_with_both(made, tiny):
    (tiny / "requirements/constraints.txt").write_text("tiny==1.1\n", encoding="utf8")
    with pytest.raises(pack.PackError, match=r"another version(.|\n)*contents [0-9a-f]{12}"):
        pack.opened(made, tiny)


def test_line_ends_of_a_copy_on_windows_make_no_other_version(made, tiny):
    text = (tiny / "data/sources.toml").read_text(encoding="utf8")
    (tiny / "data/sources.toml").write_bytes(text.replace("\n", "\r\n").encode())
    pack.opened(made, tiny)


def test_another_python_is_told_which_one_to_start(made):
    python, _, system = pack.tag().partition("-")
    with pytest.raises(pack.PackError, match=rf"this is Python 3.99 on {system}") as caught:
        pack.wheels_for(made, f"cp399-{system}")
    ours = f"python{python[2]}.{python[3:]}"
    assert f"{ours} tasks.py lab --from" in str(caught.value)
    with pytest.raises(pack.PackError, match="adds what is missing"):
        pack.wheels_for(made, OTHER)


def test_a_second_kind_of_machine_adds_its_wheels(made, tiny, monkeypatch):
    before = pack.sums(made)
    monkeypatch.setattr(pack, "tag", lambda: OTHER)
    pack.make(made, tiny, tiny_wheel, {})
    after = pack.sums(made)
    assert f"wheels/{OTHER}/tiny-1.0-py3-none-any.whl" in after
    same = {name for name in before if not name.endswith(".md")}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert "plan9" in (made / "READ_ME_FIRST.md").read_text(encoding="utf8")


def test_an_interrupted_pack_leaves_no_folder_and_the_next_try_works(tiny, tmp_path):
    def interrupted(folder):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack.make(tmp_path / "p", tiny, interrupted, {})
    assert not list(tmp_path.glob("*p*"))
    pack.make(tmp_path / "p", tiny, tiny_wheel, {})
    assert [path.name for path in tmp_path.glob("*p*")] == ["p"]


def test_what_a_killed_pack_left_is_removed_by_the_next_one(tiny, tmp_path):
    program = (
        "import os; from pathlib import Path; from tools.teaching import pack\n"
        f"place, root = Path({str(tmp_path / 'p')!r}), Path({str(tiny)!r})\n"
        "pack.make(place, root, lambda wheels: os._exit(9), {})"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=project.ROOT)
    assert ran.returncode == 9 and [files.is_marked(path) for path in tmp_path.glob(".*")] == [True]
    pack.make(tmp_path / "p", tiny, tiny_wheel, {})
    assert not list(tmp_path.glob(".*"))


def test_something_else_at_that_place_is_kept(tiny, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(pack.PackError, match="is no pack"):
        pack.make(tmp_path / "mine", tiny, tiny_wheel, {})
    assert pack.files_below(tmp_path / "mine") == ["thesis.txt"]


def test_a_disk_without_room_is_told_before_anything_is_written(tiny, tmp_path, monkeypatch):
    usage = shutil._ntuple_diskusage(100, 99, 5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(pack.PackError, match=r"needs [\d,]+ MB.*and 5 MB are free"):
        pack.make(tmp_path / "p", tiny, tiny_wheel, {})
    assert not list(tmp_path.glob("p*"))


def test_data_that_are_right_stay_and_damaged_ones_are_replaced(made, tiny):
    films = tiny / "data/downloads/films"
    inode = os.stat(films / "a.txt").st_ino
    pack.place(made, tiny, {})
    assert os.stat(films / "a.txt").st_ino == inode
    (films / "a.txt").write_text("a filn", encoding="utf8")
    pack.place(made, tiny, {})
    assert (films / "a.txt").read_text(encoding="utf8") == "a film"


def test_the_packing_list_is_what_git_keeps():
    kept = pack.tracked(project.ROOT)
    if not kept:
        pytest.skip("this is no clone")
    listed = (project.ROOT / pack.LIST).read_text(encoding="utf8").splitlines()
    cure = f"git -c core.quotepath=off ls-files > {pack.LIST}"
    assert sorted(listed) == sorted(kept), f"files were added or removed: {cure}"


FOREIGN = [
    ".env",
    "notes.txt",
    "docs/teaching/marks.csv",
    "notebooks/mine.ipynb",
    ".git-credentials",
]
FOREIGN += [".venv/x", "data/downloads/x", "outputs/x", "tests/__pycache__/x", "helpers/.DS_Store"]


@pytest.mark.parametrize("git", ["with git", "without git", "with a git that refuses"])
def test_a_copy_holds_the_files_of_the_course_and_none_that_lies_among_them(
    tmp_path, git, monkeypatch
):
    """Of the real course, so that nothing large or private comes along."""
    if not pack.tracked(project.ROOT):
        pytest.skip("this is no clone")
    clone = tmp_path / "clone"
    command = ["git", "clone", "--quiet", str(project.ROOT), str(clone)]
    subprocess.run(command, check=True, capture_output=True)
    kept = pack.tracked(clone)
    for name in FOREIGN:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("mine", encoding="utf8")
    if git == "without git":
        (clone / ".git").rename(tmp_path / "set aside")
    elif git != "with git":
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    pack.copy_course(clone, tmp_path / "copy")
    assert pack.files_below(tmp_path / "copy") == sorted(kept)


def test_without_git_and_without_the_list_nothing_is_packed(tiny, tmp_path):
    (tiny / pack.LIST).unlink()
    with pytest.raises(pack.PackError, match=r"packing_list\.txt is missing.*Get the course anew"):
        pack.make(tmp_path / "p", tiny, tiny_wheel, {})
    assert not list(tmp_path.glob("*p")) and not list(tmp_path.glob(".sft*"))


def test_only_the_members_of_a_source_are_packed(tiny, tmp_path):
    (tiny / "data/downloads/news/notes.txt").write_text("mine", encoding="utf8")
    made = pack.make(tmp_path / "p", tiny, tiny_wheel, {})
    assert pack.files_below(made / "sources" / "news") == ["secret.txt"]


@pytest.mark.parametrize(
    ("place", "to"),
    [
        ("tasks.py", "elsewhere/secret"),
        ("data/licences", "moved"),
        ("data/downloads/films/a.txt", "elsewhere/secret"),
        ("data/downloads/news/secret.txt", "elsewhere/secret"),
    ],
)
def test_a_link_in_what_is_packed_is_refused(tiny, tmp_path, place, to):
    secret = tmp_path / "elsewhere" / "secret"
    secret.parent.mkdir()
    secret.write_text("a private key", encoding="utf8")
    (tiny / place).rename(tmp_path / "moved")
    (tiny / place).symlink_to(tmp_path / to)
    if place.endswith("films/a.txt"):  # of this source, whatever is a plain file goes in
        made = pack.make(tmp_path / "p", tiny, tiny_wheel, {})
        assert pack.files_below(made / "sources" / "films") == ["deeper/b.txt"]
        return
    with pytest.raises(pack.PackError, match=f"{place}.* is a link, or lies in a linked folder"):
        pack.make(tmp_path / "p", tiny, tiny_wheel, {})
    assert not (tmp_path / "p").exists() and not list(tmp_path.glob(".sft*"))


@pytest.mark.parametrize("linked", ["data/downloads", "data/downloads/films"])
def test_downloads_that_lie_elsewhere_are_packed(tiny, tmp_path, linked):
    (tiny / linked).rename(tmp_path / "elsewhere")
    (tiny / linked).symlink_to(tmp_path / "elsewhere")
    made = pack.make(tmp_path / "p", tiny, tiny_wheel, {"news": "somebody owns it"})
    assert pack.files_below(made / "sources") == ["films/a.txt", "films/deeper/b.txt"]


@pytest.mark.parametrize("name", ["sources/films/a.txt", "sources/films", "sources", "wheels"])
def test_a_link_on_the_stick_is_refused_before_anything_is_read(made, tmp_path, name):
    """Also one to the very same bytes: what it leads to may be another thing in a moment."""
    (made / name).rename(tmp_path / "elsewhere")
    (made / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(pack.PackError, match=f"^{name} in .* is a link, and a pack has none"):
        pack.verify(made, pack.tag())


CLUTTER = (".DS_Store", "Thumbs.db", "desktop.ini", "._a.txt", "._tiny-1.0-py3-none-any.whl")


def clutter(folder: Path) -> None:
    """What file browsers leave, in a folder and in all below it."""
    for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        for name in CLUTTER:
            (place / name).write_bytes(b"\0\5\26\7")


def test_what_file_browsers_leave_goes_neither_into_a_pack_nor_out_of_it(tiny, tmp_path):
    clutter(tiny)
    made = pack.make(tmp_path / "stick" / "pack", tiny, tiny_wheel, {"news": "somebody owns it"})
    assert not [path for path in made.rglob("*") if path.name in CLUTTER]
    clutter(made)
    fresh = tmp_path / "laptop"
    shutil.copytree(made / "course", fresh)
    ran = set_up(fresh, made)
    assert (ran.returncode, ran.stderr) == (0, "")
    below = [path.name for path in (fresh / "data" / "downloads").rglob("*")]
    assert not set(below) & set(CLUTTER) and "b.txt" in below
    pack.make(made, tiny, tiny_wheel, {})
    assert not [name for name in pack.sums(made) if Path(name).name in CLUTTER]


def test_a_source_that_the_course_does_not_have_is_not_taken_from_a_stick(made, tiny):
    (made / "sources" / "films-safetensors").mkdir()
    (made / "sources" / "films-safetensors" / "x").write_text("planted", encoding="utf8")
    pack.list_files(made, pack.sums(made), ["sources/films-safetensors/x"])
    pack.verify(made, pack.tag())
    before = (tiny / "data/downloads/films-safetensors/model.safetensors").read_bytes()
    pack.place(made, tiny, {})
    after = tiny / "data/downloads/films-safetensors"
    assert [path.name for path in after.iterdir()] == ["model.safetensors"]
    assert (after / "model.safetensors").read_bytes() == before


def test_every_source_has_a_decision_and_terms():
    assert set(pack_texts.PASS_ON) == set(downloads.sources())
    carried = {name for name, why in pack_texts.PASS_ON.items() if why is None}
    assert set(pack_texts.TERMS) == carried
    assert pack.needed_by("news", project.ROOT) == ["07"]
    assert "01" in pack.needed_by("reviews", project.ROOT)


@pytest.mark.parametrize("code", ['corpora.load("smollm2")', 'CHECKPOINT = "smollm2"'])
def test_a_notebook_needs_what_its_code_names(tmp_path, code):
    cells = [{"cell_type": "markdown", "source": ['CHECKPOINT = "minilm"']}]
    cells += [{"cell_type": "code", "source": [code, "\n"]}]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "12_tuning.ipynb").write_text(json.dumps({"cells": cells}))
    assert pack.needed_by("smollm2", tmp_path) == ["12"]
    assert pack.needed_by("minilm", tmp_path) == []


def test_what_the_pack_left_out_stops_nobody(monkeypatch, tmp_path, capsys):
    """The real function that `lab` calls, with a source that cannot be fetched."""

    def folder(name):
        if name == "news":
            raise downloads.DownloadError("no network")
        return tmp_path

    converted = []
    monkeypatch.setattr(downloads, "folder", folder)
    monkeypatch.setattr(gguf_weights, "folder", lambda name: converted.append(name) or tmp_path)
    monkeypatch.setattr(pack, "not_brought", lambda root: ["news"])
    monkeypatch.setattr(os, "environ", dict(os.environ))
    describe.main()
    assert "Needed by notebook 07" in capsys.readouterr().out
    assert "smollm2" in converted
    monkeypatch.setattr(pack, "not_brought", lambda root: [])
    with pytest.raises(SystemExit, match="no network"):
        describe.main()


def test_a_model_that_is_not_here_is_not_converted(monkeypatch, tmp_path, capsys):
    """And one that is here and cannot be converted ends the set-up with one message."""

    def folder(name):
        if name == "smollm2":
            raise downloads.DownloadError("no network")
        return tmp_path

    def refused(name):
        raise downloads.DownloadError("Converting smollm2 needs 300 MB")

    monkeypatch.setattr(downloads, "folder", folder)
    monkeypatch.setattr(gguf_weights, "folder", refused)
    monkeypatch.setattr(pack, "not_brought", lambda root: ["smollm2"])
    monkeypatch.setattr(os, "environ", dict(os.environ))
    describe.main()
    assert "smollm2        not here" in capsys.readouterr().out
    monkeypatch.setattr(downloads, "folder", lambda name: tmp_path)
    with pytest.raises(SystemExit, match="Converting smollm2 needs 300 MB"):
        describe.main()


def test_an_unknown_source_to_leave_out_is_told(monkeypatch, capsys):
    monkeypatch.setattr(environment, "python_for", lambda **options: Path(sys.executable))
    monkeypatch.setattr(environment, "hand_over", lambda *arguments: 0)
    options = Namespace(folder="x", without=["revews"], torch_index="", cuda=False)
    assert project.ended(lambda: packing.main(options)) == 1
    assert "No source is called revews. There are: minilm" in capsys.readouterr().err


def test_facts_are_those_of_the_course():
    facts = pack.facts_of(project.ROOT)
    assert facts["version"] == project.project()["project"]["version"]
    assert json.loads(json.dumps(facts)) == facts
