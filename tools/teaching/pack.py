"""A folder for a room without a network: the course, its packages, weights and data.

Standard library only, as `tasks.py`.

A pack is a folder that goes on a stick:

    READ_ME_FIRST.md  LICENCES.md  licences/
    course/           the course as git keeps it
    wheels/TAG/       the packages for one Python on one kind of system, such as cp311-linux-x86_64
    sources/NAME/     weights and data, unpacked; what may not be passed on is left out
    pack.json         which course this is for
    SHA256SUMS        of every other file; compared before anything is installed

`make` and `add_wheels` are what `tasks.py pack` does, the rest is for `tasks.py lab --from`.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from helpers import files
from helpers.files import sha256
from tools import project
from tools.teaching import pack_texts

PACK_MB = 1100  # 768 MB for one kind of system; the rest is room for pip to work in
SUMS = "SHA256SUMS"
FACTS = "pack.json"
MARK = "not_passed_on.txt"  # in data/downloads: what the stick did not bring
# The course's files, for a copy of it without git: what else lies there is somebody's own.
LIST = "tools/teaching/packing_list.txt"


class PackError(Exception):
    """Something the reader can cure; the message says what it is and how."""


# ---------------------------------------------------------------- what a pack is for


def tag() -> str:
    """The kind of wheels this Python can use here, such as cp311-linux-x86_64."""
    return "cp{}{}-".format(*sys.version_info[:2]) + f"{sys.platform}-{platform.machine().lower()}"


def spoken(kind: str) -> str:
    """A tag in words: "Python 3.11 on linux-x86_64"."""
    python, _, system = kind.partition("-")
    return f"Python {python[2]}.{python[3:]} on {system}"


def facts_of(root: Path) -> dict[str, str]:
    """What must be equal in a pack and in the course that is set up from it."""
    import tomllib

    names = (
        "requirements.txt",
        "requirements/dev.txt",
        "requirements/constraints.txt",
        "data/sources.toml",
    )
    content = b"".join((root / name).read_bytes().replace(b"\r\n", b"\n") for name in names)
    facts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf8"))["project"]
    return {"version": facts["version"], "contents": files.sha256_bytes(content)[:12]}


def files_below(folder: Path, links: bool = False) -> list[str]:
    """Paths of all files below a folder, relative to it, sorted; no link is followed.

    Args:
        folder: where they lie. What file browsers leave there does not count.
        links: give the links there instead of the files, those to folders as well.
    """
    found = []
    for place, folders, names in os.walk(folder):
        paths = [Path(place, name) for name in [*folders, *names] if not files.is_clutter(name)]
        found += [path for path in paths if path.is_symlink() == links]
    chosen = (path for path in found if links or path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in chosen)


# ---------------------------------------------------------------- making one


def make(
    target: Path,
    root: Path,
    fetch_wheels: Callable[[Path], None],
    left_out: dict[str, str],
) -> Path:
    """Make a pack, or add the wheels of this system to one that is there.

    Args:
        target: the pack's folder. It appears complete or not at all.
        root: the course; weights and data lie complete and checked in its `data/downloads`.
        fetch_wheels: puts all wheels for this Python and system into an empty folder.
        left_out: names of sources that stay out, each with the reason.

    Raises:
        PackError: no room, or something else lies at `target`.
    """
    if target.is_symlink() or (files.is_there(target) and not target.is_dir()):
        kind = "a link" if target.is_symlink() else "a file"
        raise PackError(f"{target} is {kind}, not a folder. Name another place for the pack.")
    if target.is_dir() and any(target.iterdir()):
        opened(target, root)
        add_wheels(target, fetch_wheels)
        return target
    if os.path.ismount(target):
        raise PackError(f"{target} is a whole disk. Name a folder on it: {target / 'pack'}")
    files.clear_dead(target)  # what a killed try left takes room
    check_room(target, PACK_MB)
    with files.work_folder(target) as work:
        new = work / "new"
        fill(new, root, left_out)
        place_wheels(new, fetch_wheels)
        texts = described(new, target.name, left_out)
        for name, text in texts.items():
            files.update(new / name, None, text.encode("utf8"))
        list_files(new, {}, files_below(new))
        say_aside(files.put_in_place(new, target))
    return target


def fill(new: Path, root: Path, left_out: dict[str, str]) -> None:
    """The parts of a new pack that are the same for every system."""
    copy_course(root, new / "course")
    for name, source in sources_of(root).items():
        # `data/downloads`, or a folder in it, may be a link to where the disk has room.
        place = (root / "data" / "downloads" / name).resolve()
        members = list(source.get("members", ())) or files_below(place)
        if place.is_dir() and name not in left_out:
            copy_files(place, members, new / "sources" / name)
    licences = new / "course" / "data" / "licences"
    copy_files(licences, files_below(licences), new / "licences")
    facts = {"format": 1, **facts_of(root), "left_out": left_out}
    files.update(new / FACTS, None, (json.dumps(facts, indent=2) + "\n").encode("utf8"))


def sources_of(root: Path) -> dict[str, dict]:
    """The sources of a course; nothing else in `data/downloads` goes into a pack, or comes of it.

    Of those that have one hash for the folder all files do; the hash was compared before.
    """
    import tomllib

    return tomllib.loads((root / "data" / "sources.toml").read_text(encoding="utf8"))


def add_wheels(pack: Path, fetch_wheels: Callable[[Path], None]) -> None:
    """Fetch the wheels for this system if the pack has none, and bring its lists up to date.

    What somebody added to the pack stays, and so does a text of the pack that somebody edited.
    """
    before, texts = sums(pack), {}
    place_wheels(pack, fetch_wheels)
    left_out = json.loads((pack / FACTS).read_text(encoding="utf8"))["left_out"]
    for name, text in described(pack, pack.name, left_out).items():
        found = files.read_before(pack / name)
        if found is None or files.sha256_bytes(found) == before.get(name):
            texts[name] = (found, text)
        elif found.decode("utf8", "replace") != text:
            project.say(
                f"{pack / name} was edited since the pack was made, so it was left as it is."
            )
    for name, (found, text) in texts.items():
        files.update(pack / name, found, text.encode("utf8"))
    wheels = [name for name in files_below(pack) if name.startswith(f"wheels/{tag()}/")]
    added = [] if any(name in before for name in wheels) else wheels
    list_files(pack, before, [*added, *texts])


def place_wheels(pack: Path, fetch_wheels: Callable[[Path], None]) -> None:
    """Fetch the wheels for this system into a pack that has none."""
    wheels = pack / "wheels" / tag()
    if wheels.is_dir():
        return
    with files.work_folder(wheels) as work:
        (work / "new").mkdir()
        fetch_wheels(work / "new")
        say_aside(files.put_in_place(work / "new", wheels))


def kinds_in(pack: Path) -> list[str]:
    """The tags for which a pack has wheels."""
    found = sorted((pack / "wheels").iterdir())
    return [path.name for path in found if path.is_dir() and re.match(r"cp\d+-\w", path.name)]


def described(pack: Path, name: str, left_out: dict[str, str]) -> dict[str, str]:
    """What a pack says in words, by file name."""
    kinds = kinds_in(pack)
    return {
        "READ_ME_FIRST.md": pack_texts.read_me(name, list(map(spoken, kinds)), left_out),
        "LICENCES.md": pack_texts.licences(pack, kinds, left_out),
    }


def list_files(pack: Path, before: dict[str, str], new: list[str]) -> None:
    """Write `SHA256SUMS`: what it listed before, and what is new; nothing is listed anew unread.

    Otherwise a file that was damaged on the stick would count as whole from then on.
    """
    listed = before | {name: sha256(pack / name) for name in new}
    text = "".join(f"{listed[name]}  {name}\n" for name in sorted(listed))
    files.update(pack / SUMS, files.read_before(pack / SUMS), text.encode("utf8"))


def say_aside(aside: Path | None) -> None:
    """Say where something lies that was in the way."""
    if aside:
        project.say(f"Something else was in the way. It was kept, and is now {aside}.")


def check_room(target: Path, megabytes: int) -> None:
    """Raise `PackError` if so much does not fit where `target` will be."""
    there = next(folder for folder in target.resolve().parents if folder.is_dir())
    cure = "Make room, or name a folder on another disk:\n  python3 tasks.py pack FOLDER"
    files.check_space("A pack", megabytes, there, PackError, cure)


def copy_course(root: Path, target: Path) -> None:
    """Copy the files of the course, and nothing else that lies in its folder."""
    names = course_files(root)
    copy_files(root, [name for name in names if files.is_there(root / name)], target)


def copy_files(root: Path, names: list[str], target: Path) -> None:
    """Copy files by their paths below `root`, which is no link.

    Raises:
        PackError: one of them is a link, or lies below one: nobody could see what it brings.
    """
    for name in names:
        source, copied = root / name, target / name
        if source.resolve() != root.resolve() / name:
            raise PackError(
                f"{source} is a link, or lies in a linked folder. A pack takes no links: put the "
                "file itself there, and run the same command again."
            )
        if source.is_file():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copied)


def course_files(root: Path) -> list[str]:
    """Paths of the course's files: what git keeps, or where there is no git, what its list says.

    Raises:
        PackError: there is neither.
    """
    names = tracked(root)
    if not names and (root / LIST).is_file():
        names = (root / LIST).read_text(encoding="utf8").splitlines()
    if not names:
        raise PackError(
            f"{root / LIST} is missing, and this is no clone of git, so nobody can say which files "
            "are the course's. Get the course anew, and run the same command there."
        )
    return names


def tracked(root: Path) -> list[str]:
    """The files that git keeps; none if this is no clone, or git is missing or refuses."""
    if not (root / ".git").exists() or shutil.which("git") is None:
        return []
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True)
    return [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


# ---------------------------------------------------------------- using one


def opened(folder: Path, root: Path) -> dict:
    """What a pack says of itself.

    Raises:
        PackError: if this is no pack, a damaged one, or one of another version of the course.
    """
    if not (folder / FACTS).is_file() or not (folder / SUMS).is_file():
        raise PackError(
            f"{folder} is no pack: it has no {FACTS} and {SUMS}. Name the folder that holds "
            "READ_ME_FIRST.md;\n`python3 tasks.py pack FOLDER` makes one where there is a network."
        )
    facts, here = read_facts(folder), facts_of(root)
    if {key: facts.get(key) for key in here} != here:
        raise PackError(
            f"This pack was made from another version of the course ({facts.get('version')}, "
            f"contents {facts.get('contents')});\nthis one is {here['version']}, contents "
            f"{here['contents']}. Use the copy that came with the pack:\n  {folder / 'course'}\n"
            "or make a new pack from this course."
        )
    return facts


def read_facts(folder: Path) -> dict:
    """`pack.json` of a pack, if this and `SHA256SUMS` can be read at all."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf8"))
        if not all(isinstance(found, dict) for found in (facts, facts["left_out"])):
            raise ValueError("another form")
        if not all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in sums(folder).values()):
            raise ValueError("no hashes")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackError(
            f"{FACTS} or {SUMS} in {folder} is damaged. Nothing was installed. Copy the pack anew, "
            "or use another stick."
        ) from error
    return facts


def refuse_links(folder: Path) -> None:
    """Raise `PackError` if what will be used from a pack is a link, or lies below one."""
    used = ("sources", "wheels", SUMS, FACTS)
    links = [name for name in files_below(folder, links=True) if name.split("/")[0] in used]
    if links:
        raise PackError(
            f"{links[0]} in {folder} is a link, and a pack has none: what it leads to came from "
            "elsewhere. Remove it, or copy the pack anew. Nothing was installed."
        )


def wheels_for(folder: Path, kind: str) -> Path:
    """The wheels for one Python and system.

    Raises:
        PackError: if the pack has none; the message says for which it has.
    """
    wheels = folder / "wheels" / kind
    if not wheels.is_dir():
        there = kinds_in(folder)
        system = kind.partition("-")[2]
        fitting = [name for name in there if name.endswith(system)]
        cure = "On a machine of this kind with a network, `tasks.py pack` adds what is missing."
        if fitting:
            python = spoken(fitting[0]).split()[1]
            cure = f"Start this with that Python: python{python} tasks.py lab --from {folder}"
        raise PackError(
            f"The packages in this pack are for {', '.join(map(spoken, there))}; this is "
            f"{spoken(kind)}.\n{cure}"
        )
    return wheels


def sums(folder: Path) -> dict[str, str]:
    """`SHA256SUMS` of a pack: hash by path."""
    lines = (folder / SUMS).read_text(encoding="utf8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def verify(folder: Path, kind: str) -> None:
    """Read all that will be used from a pack and compare it with its list.

    Raises:
        PackError: a file is damaged, missing, a link or not in the list; the message names it.
    """
    refuse_links(folder)
    listed = sums(folder)
    used = (f"wheels/{kind}/", "sources/")
    for name, digest in listed.items():
        if name.startswith(used) and not (folder / name).is_file():
            raise PackError(f"{name} is missing in {folder}. Copy the pack anew.")
        if name.startswith(used) and sha256(folder / name) != digest:
            raise PackError(
                f"{name} in {folder} is damaged: its SHA-256 is not the one in {SUMS}. Nothing was "
                "installed. Copy the pack anew, or use another stick."
            )
    strange = [n for n in files_below(folder) if n.startswith(used) and n not in listed]
    if strange:
        raise PackError(
            f"{strange[0]} is not listed in {SUMS} of {folder}, so nobody knows where it comes "
            "from. Remove it, or copy the pack anew. Nothing was installed."
        )


def is_in_place(folder: Path, root: Path, left_out: dict[str, str]) -> bool:
    """Whether `place` would change nothing."""
    note = files.read_before(root / "data" / "downloads" / MARK)
    return note == note_of(left_out).encode("utf8") and not not_in_place(folder, root)


def note_of(left_out: dict[str, str]) -> str:
    """What the note says of what a pack did not bring: a name on each line."""
    return "".join(f"{name}\n" for name in left_out)


def not_in_place(folder: Path, root: Path) -> dict[str, list[str]]:
    """The sources of a pack that the course lacks, or has otherwise: their files by name."""
    listed, found = sums(folder), {}
    for name in sources_of(root):
        there = root / "data" / "downloads" / name
        wanted = {n: listed[f"sources/{name}/{n}"] for n in files_below(folder / "sources" / name)}
        if not all((there / n).is_file() and sha256(there / n) == wanted[n] for n in wanted):
            found[name] = list(wanted)
    return found


def place(folder: Path, root: Path, left_out: dict[str, str]) -> None:
    """Copy weights and data to their place, and leave a note of what the pack did not bring.

    Whatever is there already and right stays; anything else is set aside, not removed. The course
    checks the hashes of `data/sources.toml` afterwards, as it does with everything that it opens.
    """
    downloads = root / "data" / "downloads"
    files.make_folder(downloads)
    for name, members in not_in_place(folder, root).items():
        with files.work_folder(downloads / name) as work:
            copy_files(folder / "sources" / name, members, work / "new")
            say_aside(files.put_in_place(work / "new", downloads / name))
    text = note_of(left_out)
    if files.read_before(downloads / MARK) != text.encode("utf8"):
        with files.replacing(downloads / MARK) as file:
            file.write(text)


def not_brought(root: Path) -> list[str]:
    """Sources that the pack this course was set up from did not bring."""
    mark = root / "data" / "downloads" / MARK
    return mark.read_text(encoding="utf8").split() if mark.is_file() else []


def needed_by(name: str, root: Path) -> list[str]:
    """Numbers of the notebooks that name a source in their code."""
    found = []
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf8"))["cells"]
        code = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        named = (f'load("{name}")', f'folder("{name}")', f'CHECKPOINT = "{name}"')
        if any(text in code for text in named):
            found.append(path.name[:2])
    return found
