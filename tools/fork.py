"""Put another address, and another version, wherever the course names its own: `tasks.py fork`."""

from __future__ import annotations

import re

from helpers import files
from tools import project
from tools.notebook_file import with_fresh_ids


def main(address: str, version: str = "") -> int:
    """Put another address, and another version, wherever the course names its own."""
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise project.Trouble(
            "Colab opens GitHub only: give an address like https://github.com/OWNER/NAME."
        )
    facts = project.project()["project"]
    old = (facts["urls"]["Repository"], f"v{facts['version']}")
    new = (address, version or old[1])
    if not re.fullmatch(r"v\d+\.\d+\.\d+", new[1]):
        raise project.Trouble("The version must look like v1.2.3: the tag of a release.")
    own = [project.ROOT / "pyproject.toml", project.ROOT / "helpers" / "__init__.py"]
    texts = [*project.ROOT.glob("*.md"), *project.ROOT.glob("*.cff")]
    for path in [*texts, *project.notebooks(), *own]:
        before = path.read_bytes()
        after = readdress(before.decode("utf8"), old, new)
        if path.suffix == ".ipynb":
            after = with_fresh_ids(after)
        if after.encode("utf8") != before:
            files.update(path, before, after.encode("utf8"))
            project.say(f"changed {path.relative_to(project.ROOT)}")
    return 0


def readdress(text: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    """Replace the (address, tag) `old` by `new`: links, Colab badges, setup cells, versions."""
    slug = [address.removeprefix("https://github.com/") for address, _ in (old, new)]
    for before, after in (
        (rf"(?<=github\.com/){re.escape(slug[0])}(?![\w-])", slug[1]),
        (rf"(?<=colab\.research\.google\.com/github/){re.escape(slug[0])}(?![\w-])", slug[1]),
        (rf"(?<={re.escape(slug[1])}/blob/){re.escape(old[1])}(?=/)", new[1]),
        (rf"(?<={re.escape(slug[1])}@){re.escape(old[1])}(?=\\n)", new[1]),
        (rf'(?<=use_version\(\\"){re.escape(old[1])}(?=\\")', new[1]),
        (rf'(?m)(?<=^version = "){re.escape(old[1][1:])}(?="$)', new[1][1:]),
        (rf'(?m)(?<=^__version__ = "){re.escape(old[1][1:])}(?="$)', new[1][1:]),
        (rf"(?m)(?<=^version: ){re.escape(old[1][1:])}$", new[1][1:]),
    ):
        text = re.sub(before, after, text)
    return text
