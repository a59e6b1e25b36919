"""What pip says when it fails, and what that means. Standard library only."""

from __future__ import annotations

import re

# The first that fits counts. Older versions of pip take a file that was cut off for whole, and so
# find its hash to be another one.
CAUSES = {
    "other bytes": r"DO NOT MATCH THE HASHES",
    "cut off": r"incomplete-download|Connection broken|Read timed out|timed out while downloading",
    "proxy": r"ProxyError|Tunnel connection failed|Proxy Authentication",
    "disk full": r"No space left|Errno 28|not enough space",
    "no pip": r"No module named pip",
    "no network": r"NewConnectionError|NameResolution|name resolution|ProxyError|ConnectTimeout"
    r"|ReadTimeout|Max retries|Retrying \(|Network is unreachable",
}


def explain(said: str, meanings: dict[str, str], last: int = 1) -> str:
    """The cause of pip's failure with its cure, in the words of whoever called it.

    Args:
        said: all that pip printed.
        meanings: words by cause, some of `CAUSES`; under "" those for every other failure, in
            which `{errors}` stands for what pip said in the end.
        last: of how many lines that is.
    """
    for cause, marks in CAUSES.items():
        if cause in meanings and re.search(marks, said):
            return meanings[cause]
    errors = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()
    return meanings[""].format(errors="\n  ".join(errors[-last:]) or "pip said nothing")
