"""Odd ports, languages of the terminal, links and disks: a message with its cure, or it works."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import downloads, files
from tests.unit.test_downloads import place  # noqa: F401
from tests.unit.test_pack import made, set_up, tiny  # noqa: F401
from tools import environment, lab, project
from tools.teaching import pack

# ---------------------------------------------------------------- ports


@pytest.mark.parametrize("port", ["70000", "-1", "abc", "", "1e3", "99999999999999999999"])
def test_what_is_no_port_is_told_before_anything_else_with_one_that_is(port, tmp_path):
    command = [sys.executable, "tasks.py", "lab", "--from", str(tmp_path), "--port", port]
    ran = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True)
    first, second = ran.stderr.strip().splitlines()
    assert ran.returncode == 1
    assert first.startswith(f"{port!r} is no port: that is a number from 1 to 65535")
    *_, other = second.split()
    assert lab.check_port("localhost", other) == int(other)


def test_port_0_is_any_that_is_free():
    assert 0 < lab.check_port("localhost", "0") <= 65535


@pytest.mark.parametrize("number", [errno.EACCES, errno.EADDRINUSE])
def test_a_port_that_may_not_be_used_is_told_apart_from_one_in_use(monkeypatch, number):
    """Whether port 80 may be used depends on the machine."""

    def refuse(ip, port):
        if port:
            raise OSError(number, os.strerror(number))
        return 8123

    monkeypatch.setattr(lab, "listen", refuse)
    said = "in use" if number == errno.EADDRINUSE else "This account may not use port 80. Choose"
    with pytest.raises(project.Trouble, match=rf"{said}(.|\n)*lab --port 8123"):
        lab.check_port("localhost", "80")


@pytest.mark.parametrize("ip", ["256.1.1.1", "..", "a" * 70, "\ud800"])
def test_what_is_no_address_is_told(ip):
    with pytest.raises(project.Trouble, match="Leave --ip away"):
        lab.check_port(ip, "8888")


def test_the_port_is_asked_for_again_when_the_set_up_has_ended(monkeypatch):
    """The set-up may have waited for another one, whose JupyterLab has the port by now."""

    def refuse(ip, port):
        raise project.Trouble("in use")

    monkeypatch.setattr(lab, "check_port", refuse)
    monkeypatch.setattr(lab, "serve", lambda *arguments: pytest.fail("it was started"))
    with pytest.raises(project.Trouble, match="in use"):
        lab.start(Path(sys.executable), "localhost", 8888, browser=False)


# ---------------------------------------------------------------- what a terminal can show

SAYS = """
import sys
from pathlib import Path
from tools import environment, project

def work():
    project.say("gr\\xf6\\xdfe \\u2192 \\u2713 \\udcff.")
    project.ROOT = Path(sys.argv[1])
    environment.hand_over(Path(sys.executable), "says")
    raise project.Trouble("f\\xfcr \\u2192 alle.")

sys.exit(project.ended(work))
"""
LETTERS = 'print("gr\\xf6\\xdfe \\u2192 \\u2713 \\udcff.")'
ODD = [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "xx_YY.UTF-8"}]
ODD += [{"PYTHONIOENCODING": name} for name in ("ascii", "cp1252", "cp437", "ascii:strict")]
ODD += [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: " ".join(f"{k}={v}" for k, v in odd.items()))
def test_letters_that_a_terminal_cannot_show_end_nothing(odd, tmp_path):
    """A console of Windows is one with PYTHONIOENCODING=cp1252; a module handed over, too."""
    surroundings = {name: value for name, value in os.environ.items() if name[:3] != "LC_"}
    (tmp_path / "says.py").write_text(LETTERS, encoding="utf8")
    command = [sys.executable, "-c", SAYS, str(tmp_path)]
    options = {"cwd": project.ROOT, "env": surroundings | odd, "capture_output": True}
    ran = subprocess.run(command, **options)
    assert ran.returncode == 1 and b"Traceback" not in ran.stderr
    assert [line.rstrip()[-1:] for line in ran.stdout.splitlines()] == [b".", b"."]
    assert ran.stderr.rstrip().endswith(b"alle.")


# ---------------------------------------------------------------- links


def test_a_course_that_is_reached_through_a_link_is_set_up_where_it_lies(tiny, made, tmp_path):  # noqa: F811
    shutil.rmtree(tiny / ".venv")
    (tmp_path / "linked").symlink_to(tiny)
    ran = set_up(tmp_path / "linked", made)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert files.is_marked(tiny / ".venv") and (tmp_path / "linked").is_symlink()


def test_downloads_may_lie_behind_a_link(place, tmp_path):  # noqa: F811
    folder, *_ = place
    (tmp_path / "large disk").mkdir()
    folder.symlink_to(tmp_path / "large disk")
    assert (downloads.folder("thing") / "a.txt").read_bytes() == b"hello"
    assert (tmp_path / "large disk" / "thing" / "a.txt").is_file() and folder.is_symlink()


@pytest.mark.parametrize("kind", ["a link that leads nowhere", "a file"])
def test_something_in_the_place_of_the_downloads_is_named_and_stays(place, tmp_path, kind):  # noqa: F811
    folder, *_ = place
    folder.write_text("mine") if kind == "a file" else folder.symlink_to(tmp_path / "none")
    with pytest.raises(downloads.DownloadError, match=f"downloads is {kind}, and the course needs"):
        downloads.folder("thing")
    assert folder.read_text() == "mine" if kind == "a file" else folder.is_symlink()


def test_a_pack_brings_data_behind_a_link_and_names_one_that_leads_nowhere(tiny, made, tmp_path):  # noqa: F811
    data = tiny / "data" / "downloads"
    data.rename(tmp_path / "moved")
    data.symlink_to(tmp_path / "none")
    with pytest.raises(files.StorageError, match="is a link that leads nowhere"):
        pack.place(made, tiny, {})
    (tmp_path / "none").mkdir()
    pack.place(made, tiny, {})
    assert (tmp_path / "none" / "films" / "a.txt").read_text(encoding="utf8") == "a film"


# ---------------------------------------------------------------- where nothing can be written


def read_only(folder: Path) -> list[str]:
    """What to put before a command so that a folder is on a read-only disk for it."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", script, str(folder)]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("mounting is not permitted")
    return command


@pytest.mark.parametrize("there", ["nothing", "an older state"])
def test_a_course_on_a_read_only_disk_says_so_and_what_to_do(tiny, made, there):  # noqa: F811
    shutil.rmtree(tiny / ".venv")
    if there == "an older state":
        assert set_up(tiny, made).returncode == 0
        (tiny / ".venv" / "installed.txt").write_text("", encoding="utf8")
    command = [*read_only(tiny), sys.executable, "tasks.py", "lab", "--from", str(made)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert "cannot be read or written: Read-only file system" in ran.stderr
    assert "copy that to a place where this account may do both" in ran.stderr


def test_a_complete_course_on_a_read_only_disk_works(tiny, made):  # noqa: F811
    shutil.rmtree(tiny / ".venv")
    assert set_up(tiny, made).returncode == 0
    code = "from pathlib import Path; from tools import environment, project"
    code += "\nfrom tools.teaching import packing"
    code += f"\nprint(environment.set_up(), packing.set_up_from(Path({str(made)!r})))"
    ran = subprocess.run(
        [*read_only(tiny), sys.executable, "-c", code], capture_output=True, text=True
    )
    assert ran.stderr == "" and ran.stdout.count(str(environment.python_of(tiny / ".venv"))) == 2


@pytest.mark.parametrize("there", [True, False])
def test_data_on_a_read_only_disk_are_read_and_missing_ones_are_told(place, there):  # noqa: F811
    folder, *_ = place
    folder.mkdir()
    if there:
        downloads.folder("thing")
    code = "from pathlib import Path; from helpers import downloads"
    code += f"\ndownloads.FOLDER = Path({str(folder)!r})"
    code += f"\ndownloads.sources = lambda: {downloads.sources()!r}"
    code += "\ntry: print(downloads.folder('thing'))"
    code += "\nexcept downloads.DownloadError as error: print(error)"
    options = {
        "capture_output": True,
        "text": True,
        "env": os.environ | {"PYTHONPATH": str(project.ROOT)},
    }
    ran = subprocess.run([*read_only(folder), sys.executable, "-c", code], **options)
    expected = (
        f"{folder / 'thing'}\n" if there else "cannot be read or written: Read-only file system"
    )
    assert expected in ran.stdout and ran.stderr == ""


@pytest.mark.parametrize(
    ("number", "cure"),
    [(errno.EROFS, "copy that to a place"), (errno.EACCES, "copy"), (errno.ENOSPC, "Make room")],
)
def test_a_refusal_of_the_system_is_one_message_in_every_command(capsys, number, cure):
    def work():
        raise OSError(number, os.strerror(number), "outputs/site")

    assert project.ended(work) == 1
    said = capsys.readouterr().err
    assert said.startswith("\noutputs/site") and cure in said and os.strerror(number) in said


def test_another_fault_is_not_called_a_refusal():
    def work():
        raise FileNotFoundError(errno.ENOENT, "a fault of ours")

    with pytest.raises(FileNotFoundError):
        project.ended(work)
