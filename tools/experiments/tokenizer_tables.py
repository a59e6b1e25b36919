"""What the interactive tokenizer must know, asked of the library once: its pieces and characters.

    python -m tools.experiments.tokenizer_tables

Writes `helpers/widgets/static/wordpiece.json.gz`: all pieces in the order of their ids, and for
every kind of character the code points that the library counts to it. Browsers carry younger
Unicode tables than the library does, so the figure looks characters up here and not there. What it
leaves to the browser, decomposing (NFD) and lower case, differs at most for characters that are in
no piece: their words are [UNK] either way.
"""

import gzip
import json
import sys
from collections.abc import Callable

from tokenizers import normalizers, pre_tokenizers

from helpers import checkpoints, widgets
from tools.experiments.provenance import write_page

ENCODABLE = [code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
SURROGATES = range(0xD800, 0xE000)


def step(**wanted: bool) -> Callable[[str], str]:
    """One step of BERT's normalizer alone."""
    every = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    one = normalizers.BertNormalizer(**{name: wanted.get(name, False) for name in every})
    return one.normalize_str


def kinds() -> dict[str, list[int]]:
    """The code points of each kind, as the library treats them one by one."""
    clean, strip = step(clean_text=True), step(strip_accents=True)
    spread = step(handle_chinese_chars=True)
    cut = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    removed = [code for code in ENCODABLE if clean(chr(code)) == ""]
    return {
        "removed": sorted([*removed, *SURROGATES]),
        "space": [code for code in ENCODABLE if clean(chr(code)) == " "],
        "chinese": [code for code in ENCODABLE if spread(chr(code)) == f" {chr(code)} "],
        "accent": [code for code in ENCODABLE if strip(chr(code)) == ""],
        "punctuation": [code for code in ENCODABLE if len(cut(f"a{chr(code)}b")) == 3],
    }


def ranges(codes: list[int]) -> str:
    """Code points as distances in base 36: from the end of a range to the next, and its length."""
    starts = [code for code, before in zip(codes, [-2, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], -2], strict=True) if code != after - 1]
    numbers, last = [], 0
    for start, end in zip(starts, ends, strict=True):
        numbers += [start - last, end - start]
        last = end
    return " ".join(base36(number) for number in numbers)


def base36(number: int) -> str:
    """A number as JavaScript's `parseInt(text, 36)` reads it."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return digits[number] if number < 36 else base36(number // 36) + digits[number % 36]


def tables() -> dict:
    """Everything that `wordpiece.js` reads."""
    vocabulary = checkpoints.load_tokenizer("minilm").get_vocab()
    pieces = sorted(vocabulary, key=vocabulary.get)
    assert [vocabulary[piece] for piece in pieces] == list(range(len(pieces)))
    characters = {name: ranges(codes) for name, codes in kinds().items()}
    return {"characters": characters, "pieces": "\n".join(pieces)}


def main() -> None:
    """Ask, compress, write; the same library gives the same content."""
    content = json.dumps(tables(), ensure_ascii=False, separators=(",", ":")).encode()
    packed = gzip.compress(content, 9, mtime=0)
    write_page(widgets.STATIC / "wordpiece.json.gz", packed)
    print(f"{len(content):,} bytes, compressed {len(packed):,}")


if __name__ == "__main__":
    main()
