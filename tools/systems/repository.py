"""Names of files that not every system can have, and commands on pages that not everybody has."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from tools.systems import rules

LONGEST = 200  # characters of a path in the repository; Windows allows 260 with the clone's folder

BREAKS = {
    "file name": "Windows cannot check out a file of this name. Rename it.",
    "twins": "Windows and macOS take these names for one, and a clone there loses a file. Rename "
    "one of them.",
    "long path": f"Windows has 260 characters for a path, with the folder of the clone: keep it "
    f"below {LONGEST}. Shorten it.",
    "launcher": "Windows has no python3 but `py`, and no .venv/bin but `.venv\\Scripts`. Say so on "
    "the same page.",
}


def file_names(paths: Iterable[str]) -> list[tuple[str, str]]:
    """(rule, path) for the paths of a repository that some system cannot have."""
    found, spellings = [], {}
    for path in paths:
        if any(map(rules.refused_name, path.split("/"))):
            found.append(("file name", path))
        if len(path) > LONGEST:
            found.append(("long path", path))
        for part in [path, *(str(p) for p in Path(path).parents)]:
            part = part.replace("\\", "/")
            spellings.setdefault(folded(part), set()).add(part)
    twins = (sorted(names) for names in spellings.values() if len(names) > 1)
    return found + [("twins", " and ".join(names)) for names in twins]


def folded(path: str) -> str:
    """A path as Windows and macOS compare it."""
    return unicodedata.normalize("NFC", path).casefold()


CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def commands(text: str) -> list[str]:
    """The commands of a Markdown page that Windows writes in another way, which it does not say."""
    code = " ".join(CODE.findall(text))
    found = []
    if re.search(r"\bpython3 ", code) and not re.search(r"(^|[`\s])py( |`|$)", code, re.MULTILINE):
        found.append("python3")
    if ".venv/bin/" in code and r".venv\Scripts" not in code:
        found.append(".venv/bin")
    return found
