"""Texts in the wrong encoding: which others would read the bytes, and which texts look misread.

What is guessed here is only shown to the reader, who decides; no text is changed by it.
"""

import codecs
import re
from functools import cache

from charset_normalizer import from_bytes

BAD = re.compile("[\udc80-\udcff]")  # a byte that `sources.kept_bytes` kept
# What files of texts are written in besides UTF-8, the likelier first.
LIKELY = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp874", "koi8_r", "mac_roman", "cp850",
    "cp437", "cp866",
)  # fmt: skip
SAMPLES, SHOWN, AROUND, MOST_BYTES = 5, 2, 12, 1 << 15
# What a text of UTF-8 may have been read as before it came here.
MISREADINGS = ("cp1252", "latin-1", "cp1250", "cp1251", "cp1253", "koi8_r", "gb18030", "mac_roman")
ODD = "‚ƒ„†‡ˆ‰¢£¤¥¦§¨©ª¬®¯±²³¶¸¹¼½¾¿¡×÷\u2500-\u259f"
ACCENTED = "À-ÖØ-öø-ɏ"
FAR = "\u0370-\u1dff\u1f00-\u1fff"  # letters of other alphabets than the Latin one
EAST = re.compile("[\u2e80-\ud7ff\uf900-\ufaff\uff66-\uff9f]")  # East Asian ones, without spaces
IN_LATIN = re.compile(f"[a-z]{EAST.pattern}{{1,2}}(?!{EAST.pattern})")
SIGNS = re.compile(
    "[\ufffd\x80-\x9f]"  # replaced, or a control character that no text holds
    f"|[^\\W\\d_][{ODD}]+[^\\W\\d_]"  # a currency or a frame inside a word
    f"|(?<![^\\W_])[{ACCENTED}]{{4,}}"  # a word that begins with four accented letters
    f"|[a-z][{FAR}]{{1,2}}(?![{FAR}])"  # a letter or two of another alphabet inside a word
    "|(?<!\\w)[а-яё][А-ЯЁ]{3,}"  # capitals for small letters and the reverse: KOI8 as cp1251
)


def bytes_of(line: str, encoding: str) -> bytes:
    """The bytes that a line was decoded from, bad ones included."""
    return line.encode(encoding, "surrogateescape")


def readings(raw: bytes, failed: str) -> dict[str, str]:
    """Encodings in which some bytes make sense, likeliest first, and the text that each gives.

    Of encodings that give the same text one is named.

    Args:
        raw: lines of a file.
        failed: the encoding that did not read them; never among the answers.
    """
    wrong = codecs.lookup(failed).name
    if wrong != "utf-8" and (text := read_as(raw, "utf-8")) is not None:
        return {"utf-8": text}  # no other encoding gives valid UTF-8 by chance
    others = [name for name in LIKELY if codecs.lookup(name).name != wrong]
    form = {"cp_isolation": others, "preemptive_behaviour": False, "threshold": 1.0}
    ranked = from_bytes(raw[:MOST_BYTES], **form)
    found = {}
    if (first := read_as(raw, "cp1252")) is not None and "cp1252" in others:
        found["cp1252"] = first
    for match in [*ranked][:SAMPLES]:
        if str(match) not in found.values():
            found[match.encoding] = str(match)
    return found


def read_as(raw: bytes, encoding: str) -> str | None:
    """Bytes as text in an encoding, or None if they are none."""
    try:
        return raw[:MOST_BYTES].decode(encoding)
    except UnicodeDecodeError:
        return None


def around_bad(line: str, encoding: str, other: str) -> str | None:
    """What another encoding makes of a line, around its first character beyond ASCII, or None."""
    text = read_as(bytes_of(line, encoding), other)
    if text is None:
        return None
    place = next((i for i, c in enumerate(text) if not c.isascii()), 0)
    return " ".join(text[max(0, place - AROUND) : place + AROUND].split())


def samples(lines: list[str], encoding: str) -> str:
    """How each likely encoding reads the first bad places of some lines, for a message.

    Of encodings that read them alike the first of `LIKELY` is named.
    """
    raw = b"".join(bytes_of(line, encoding) for line in lines)
    found: dict[str, str] = {}
    for name in readings(raw, encoding):
        texts = [around_bad(line, encoding, name) for line in lines[:SHOWN]]
        if None not in texts:
            found.setdefault(" … ".join(texts), name)
    return ", ".join(f'"{name}" reads {text!r}' for text, name in found.items())


def other_readings(text: str, encoding: str) -> str:
    """How likely encodings read the bytes of a text that seems misread, for a message; or ""."""
    if encoding.startswith("utf"):
        return ""
    place = next((i for i, c in enumerate(text) if not c.isascii()), 0)
    shown = bytes_of(text[max(0, place - AROUND) : place + AROUND], encoding)
    likely = (f'"{name}" reads {found!r}' for name, found in readings(shown, encoding).items())
    return ": " + ", ".join(likely)


def bad_byte(line: str) -> str:
    """The first bad byte of a line, such as 0xe9."""
    return f"{ord(BAD.search(line)[0]) - 0xDC00:#04x}"


def undecodable(file: str, encoding: str, found: list[tuple[int, str]], more: int) -> str:
    """The message for a file that is not in an encoding.

    Args:
        found: numbers and texts of its first bad lines.
        more: how many there are besides.
    """
    number, line = found[0]
    likely = samples([text for _, text in found], encoding)
    set_it = f"Set ENCODING to the one that reads right: {likely}. " * bool(likely)
    others = f" and {more:,} more line(s)" * (more > 0)
    return (
        f"{file!r} is not {encoding.upper()}: byte {bad_byte(line)} in line {number}{others}. "
        f'{set_it}If some lines are written in another way than others, save it as "CSV UTF-8".'
    )


def is_misread(text: str, encoding: str = "utf-8") -> bool:
    """Whether a text has signs of having been read in the wrong encoding.

    Either it holds what no alphabet mixes, or it is UTF-8 that was read as something else: its
    bytes in an older encoding are UTF-8, all of them.
    """
    if text.isascii():
        return False
    if SIGNS.search(text) or repaired(text, encoding) is not None:
        return True
    # Where words are not separated, Latin ones stand right beside others: few of them are a sign.
    return bool(IN_LATIN.search(text)) and 4 * len(EAST.findall(text)) < len(text)


def repaired(text: str, encoding: str) -> str | None:
    """The text that UTF-8 gives for the bytes of a text in an older encoding; None if it is none.

    Two letters of Chinese may be UTF-8 by chance; so where letters have two bytes, four are asked
    for.
    """
    own = () if encoding.startswith("utf") else (encoding,)
    for name in dict.fromkeys([*own, *MISREADINGS]):
        try:
            found = text.encode(name).decode("utf-8")
        except UnicodeError:
            continue
        beyond = sum(not c.isascii() for c in found)
        if not found.isascii() and (beyond > 3 or is_single_byte(name)):
            return found
    return None


@cache
def is_single_byte(encoding: str) -> bool:
    """Whether an encoding writes each character as one byte."""
    return len("é".encode(encoding, "replace")) == 1 and len("中".encode(encoding, "replace")) == 1
