"""What pip says when it fails, and what that means. Standard library only."""

from __future__ import annotations

import re

# The first that fits counts. Older versions of pip take a file that was cut off for whole, and so
# find its hash to be another one.
CAUSES = {
    "other bytes": r"DO NOT MATCH THE HASHES",
    "no archive": r"Wheel '.*' located at .* is invalid|BadZipFile|not a zip file|ReadError: ",
    "certificate": r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError",
    "cut off": r"incomplete-download|Connection broken|Read timed out|timed out while downloading",
    "proxy": r"ProxyError|Tunnel connection failed|Proxy Authentication",
    "disk full": r"No space left|Errno 28|not enough space",
    "no pip": r"No module named pip",
    "no network": r"NewConnectionError|NameResolution|name resolution|ProxyError|ConnectTimeout"
    r"|ReadTimeout|Max retries|Retrying \(|Network is unreachable",
    "nothing offered": r"\(from versions: none\)",
}
# What a page sent instead of an archive, or one that was cut off, leaves in the end.
BROKEN = ("other bytes", "no archive")


def explain(said: str, meanings: dict[str, str], last: int = 1) -> str:
    """The cause of pip's failure with its cure, in the words of whoever called it.

    Args:
        said: all that pip printed.
        meanings: words by cause, some of `CAUSES`; under "" those for every other failure. In
            all of them `{errors}` stands for what pip said in the end.
        last: of how many lines that is.
    """
    errors = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()
    found = [cause for cause in CAUSES if cause in meanings and is_cause(cause, said)]
    told = "\n  ".join(errors[-last:]) or "pip said nothing"
    return meanings[found[0] if found else ""].format(errors=told)


def is_cause(cause: str, said: str) -> bool:
    """Whether one of `CAUSES` fits what pip said."""
    return re.search(CAUSES[cause], said) is not None


def is_broken(said: str) -> bool:
    """Whether pip failed because what it had in hand was no whole archive, or another one."""
    return any(is_cause(cause, said) for cause in BROKEN)
