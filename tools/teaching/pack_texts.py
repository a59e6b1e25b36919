"""What a pack says in words: how to start from it, and under which terms its contents come."""

from __future__ import annotations

import zipfile
from email.parser import HeaderParser
from pathlib import Path

from helpers import files

# What is known of the terms of each source, from data/*.md; and whether a pack carries it.
# `None`: carried. A text: left out, and why.
PASS_ON = {
    "minilm": None,
    "smollm2": None,
    "reviews": None,
    "news": "the BBC owns the articles and allows non-commercial and research use only "
    "(data/news.md), so that whoever needs them fetches them",
    "ratings": None,
    "glove": None,
    "lexicon": None,
}
TERMS = {
    "minilm": "Apache-2.0 by the makers' model card; the package that carries it declares MIT.",
    "smollm2": "Apache-2.0, by the file's own metadata and by the package that carries it.",
    "reviews": "The package declares MIT, and no other terms are known. The sentences belong to "
    "their authors, from whom we know of no licence.",
    "ratings": "The package declares MIT, and the data's own file asks for a citation. Whether "
    "that was meant for the texts is not said; they belong to their authors.",
    "glove": "The vectors: PDDL 1.0 (public domain). The package: Apache-2.0.",
    "lexicon": "MIT, as the package's licence file says.",
}

READ_ME = """\
# Read me first

The course "SFT Unveiled" with all it needs, for a machine without a network.
The packages are for {kinds}; no other Python will do.
`python3 --version` says what you have. If it says another, write `{python}` instead of `python3`
(on Windows `py -{number}` instead of `py`).

**Linux and macOS.** In a terminal, with the path at which the stick appears instead of `STICK`:

    cp -R "STICK/{name}/course" ~/sft-unveiled && cd ~/sft-unveiled
    python3 tasks.py lab --from "STICK/{name}"

**Windows.** In PowerShell, with the stick's letter instead of `E:`:

    Copy-Item -Recurse "E:\\{name}\\course" "$HOME\\sft-unveiled"; cd "$HOME\\sft-unveiled"
    py tasks.py lab --from "E:\\{name}"

It takes some minutes and 3.5 GB of disk; after that the stick may go, and `python3 tasks.py lab`
starts the course.

## What is checked, and what is not

Before anything is installed, every file that will be used is compared with the list `SHA256SUMS`.
That finds a file that was damaged or cut off. It does not protect you from somebody who changed the
stick on purpose: whoever can change a file here can change the list, too, and the programs on this
stick will run on your machine. So take it from a person you trust.

## What is not here

{left_out}

## Whose texts these are

[LICENCES.md](LICENCES.md) states the terms of everything inside. The films' and other people's
sentences are here so that a class can work with them. Hand the stick on for that, and do not put
its contents on the web.
"""


def read_me(name: str, kinds: list[str], left_out: dict[str, str]) -> str:
    """`READ_ME_FIRST.md` of a pack."""
    lines = [f"- `{source}`: {reason}." for source, reason in left_out.items()]
    lines.append("- Python itself: https://www.python.org/downloads/.")
    number = kinds[0].split()[1]
    return READ_ME.format(
        name=name,
        kinds=" and ".join(kinds),
        number=number,
        python=f"python{number}",
        left_out="\n".join(lines),
    )


def licences(pack: Path, kinds: list[str], left_out: dict[str, str]) -> str:
    """`LICENCES.md` of a pack: the course, the sources, and every wheel by its own metadata."""
    lines = [
        "# Under which terms this comes",
        "",
        "- `course/`: code Apache-2.0, text and figures CC BY 4.0; see `course/LICENSE` and "
        "`course/LICENSE-TEXT.md`.",
    ]
    for source, terms in TERMS.items():
        if source not in left_out:
            lines.append(f"- `sources/{source}/`: {terms} More: `course/data/{source}.md`.")
    lines += ["- `licences/`: the licence files that came with the packages of these sources.", ""]
    lines += ["Not here, because it may not be passed on like this, or was left out by choice:", ""]
    lines += [f"- `{source}`: {reason}." for source, reason in left_out.items()]
    for kind in kinds:
        lines += ["", f"## wheels/{kind}", ""]
        lines += ["Each wheel holds its licence files. By their own metadata:", ""]
        found = (pack / "wheels" / kind).glob("*.whl")
        wheels = sorted(path for path in found if not files.is_clutter(path.name))
        lines += [files.markdown_table(("package", "version", "licence"), map(wheel_row, wheels))]
    return "\n".join(lines) + "\n"


def wheel_row(wheel: Path) -> tuple[str, str, str]:
    """Name, version and licence of a wheel."""
    with zipfile.ZipFile(wheel) as bundle:
        name = next(n for n in bundle.namelist() if n.endswith(".dist-info/METADATA"))
        data = HeaderParser().parsestr(bundle.read(name).decode("utf8"))
    classified = [
        text.rpartition(" :: ")[2]
        for text in data.get_all("Classifier", [])
        if text.startswith("License ::")
    ]
    said = data.get("License-Expression") or ", ".join(classified) or data.get("License") or ""
    said = said.strip().splitlines()[0] if said.strip() else "see the wheel's licence files"
    return data["Name"], data["Version"], said[:80]
