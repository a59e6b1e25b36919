"""What the mask microscope must know of SmolLM2's tokenizer, asked of the library once.

    python -m tools.experiments.chat_tables

Writes `helpers/widgets/static/bpe.json.gz`. The merges are enough to know every token: merge number
n joins two earlier tokens, and what it makes is token number (special tokens + bytes + n). Browsers
carry other Unicode tables than the library does, so what counts as a letter, a number or a space is
looked up here and not there.
"""

import gzip
import json
from typing import Protocol

from tokenizers import pre_tokenizers
from transformers import PreTrainedTokenizerBase

from helpers import checkpoints, widgets
from tools.experiments.provenance import write_page
from tools.experiments.tokenizer_tables import ENCODABLE, ranges

BASE, FIRST = 64, 35  # a number below 64³ as three printable characters, "#" for the digit 0


class Cutter(Protocol):
    """What cuts a text into words."""

    def pre_tokenize_str(self, text: str) -> list[tuple[str, tuple[int, int]]]: ...


def kinds() -> dict[str, list[int]]:
    """The code points of each kind, as the library's regular expression treats them one by one.

    A character is a letter if it continues a word of letters, and so on; what continues neither
    letters, numbers nor signs is a space. Digits are first taken out one by one, by another part
    of the library, whose Unicode is younger: it knows numbers that are signs to the expression.
    These stand alone.
    """
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    alone = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str
    found: dict[str, list[int]] = {"letter": [], "number": [], "space": [], "alone": []}
    for code in ENCODABLE:
        continued = [kind for start, kind in STARTS.items() if len(cut(start + chr(code))) == 1]
        (kind,) = continued or ["space"]
        is_digit = len(alone(f"a{chr(code)}")) == 2
        assert is_digit or kind != "number"
        found.get("alone" if is_digit and kind != "number" else kind, []).append(code)
    return found


STARTS = {"a": "letter", "1": "number", "!": "sign"}


def byte_signs() -> dict[str, int]:
    """The character that stands for each byte in the vocabulary of a byte-level tokenizer.

    Printable bytes stand for themselves, the others for the characters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    signs = {chr(byte): byte for byte in printable}
    return signs | {chr(256 + n): byte for n, byte in enumerate(others)}


def columns(ids: list[int]) -> list[str]:
    """Numbers as the three digits of each: all first digits, all second ones, all third ones.

    Similar digits side by side compress better than whole numbers do.
    """
    digits = [[n // BASE**2 for n in ids], [n // BASE % BASE for n in ids], [n % BASE for n in ids]]
    return ["".join(chr(FIRST + digit) for digit in column) for column in digits]


def opening(tokenizer: PreTrainedTokenizerBase) -> str:
    """What the template puts before a conversation that has no system message."""
    alone = tokenizer.apply_chat_template([{"role": "user", "content": ""}], tokenize=False)
    start = alone.removesuffix("<|im_start|>user\n<|im_end|>\n")
    assert start != alone
    return start


def merges(tokenizer: PreTrainedTokenizerBase) -> list[tuple[str, str]]:
    """The pairs that are joined, the most urgent first."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    return [tuple(pair) for pair in model["merges"]]


def splits_digits(cutter: Cutter) -> bool:
    """Whether every digit is a word of its own."""
    return len(cutter.pre_tokenize_str("12")) == 2


def tables(tokenizer: PreTrainedTokenizerBase) -> dict:
    """Everything that `bpe.js` and `chat.js` read."""
    ids = tokenizer.get_vocab()
    special = [
        token.content
        for _, token in sorted(tokenizer.added_tokens_decoder.items())
        if token.special
    ]
    signs, pairs = byte_signs(), merges(tokenizer)
    single = sorted((token for token in ids if token in signs), key=ids.get)
    in_order = [*special, *single, *(first + second for first, second in pairs)]
    assert [ids[token] for token in in_order] == list(range(len(ids)))
    return {
        "characters": {name: ranges(codes) for name, codes in kinds().items()},
        "digits": splits_digits(tokenizer.backend_tokenizer.pre_tokenizer),
        "special": special,
        "bytes": [signs[token] for token in single],
        "left": columns([ids[first] for first, _ in pairs]),
        "right": columns([ids[second] for _, second in pairs]),
        "opening": opening(tokenizer),
    }


def main() -> None:
    """Ask, compress, write; the same library gives the same content."""
    found = tables(checkpoints.load_tokenizer("smollm2"))
    content = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    packed = gzip.compress(content, 9, mtime=0)
    write_page(widgets.STATIC / "bpe.json.gz", packed)
    print(f"{len(content):,} bytes, compressed {len(packed):,}")


if __name__ == "__main__":
    main()
