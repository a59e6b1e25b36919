"""Texts on which the interactive tokenizers are compared with the library."""

import random

import pandas as pd

from helpers import corpora
from tools import project

AWKWARD = [
    "",
    " \t\n\r ",
    "Hello, World!",
    "Crème BRÛLÉE, naïve, Ångström, Dvořák, ŁÓDŹ, İstanbul, ΟΔΥΣΣΕΥΣ, straße, ﬁne",
    "e\u0301 n\u0303 a\u0308\u0323 \u0301alone q\u0307\u0323",
    "한국어 조선말, ไทยภาษา, हिन्दी, العربيةُ, עִבְרִית",
    "我喜欢这部电影 means I like this film 𠀀𪚥 豈 ㈱ ー",
    "loved it 😍 👍🏽 👩‍👩‍👧 🇩🇪 ❤️ :-) 10/10",
    "«quoted» “curly” ‘single’ – — … ¿qué? ¡sí! §5 ©2024 £3 $4 a^b `c` ~d |e| <f> =g +h",
    "tab\there, line\nhere, nul\0here, bell\ahere, soft\u00adhyphen, zero\u200bwidth, bom\ufeff",
    "no\u00a0break, em\u2003space, ideographic\u3000space, line\u2028separator, bad\ufffdcharacter",
    "private \ue000\uf8ff, unassigned \u0378, noncharacter \uffff \U0010ffff, tag \U000e0041",
    "[CLS] in a text [SEP], [MASK][PAD] x[UNK]y, but [cls] [ MASK ] [CLS",
    "##ing ## #hash ##",
    *("z" * length for length in (99, 100, 101, 200)),
    "y" * 1000,
    "é" * 100,
    "e\u0301" * 100,
    "😀" * 100 + " " + "😀" * 101,
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis qwrtzpsdfgh",
    "don't can't I'd they're o'clock rock'n'roll",
    "$1,234,567.89 3.5e-4 0xFF 192.168.0.1 user@example.org https://example.org/?q=1&r=2",
]
BLOCKS = [range(0x20, 0x3100), range(0xF900, 0xFB50), range(0xFE00, 0x10000)]
BLOCKS += [range(0x1D400, 0x1D800), range(0x1F300, 0x1F700), range(0x2F800, 0x2FA20)]
CHARACTERS = [" ".join(f"a{chr(code)}b" for code in block) for block in BLOCKS]


def reviews() -> list[str]:
    """Every fifth review of the test part, and some more of them in one text."""
    texts = corpora.load("reviews")["test"]["text"][:]
    return [*texts[::5], " ".join(texts[1:200:5]), texts[2].upper(), texts[3].title()]


def all_texts() -> list[str]:
    """Several hundred reviews, awkward cases, and many characters each between two letters."""
    return [*reviews(), *AWKWARD, *CHARACTERS]


# ---------------------------------------------------------------- for the mask microscope

SPACES = [
    " ",
    "  ",
    "   ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    " \n ",
    "\x0b",
    "\x85",
    "\xa0",
    "\u2028",
    "\u3000",
]
SPECIAL = ["<|im_end|>", "<|im_start|>", "<|endoftext|>", "<repo_name>", "<|im_end", "<|IM_END|>"]
DIGITS = ["7", "42", "2024", "1234567890", "٣", "½", "²", "Ⅷ", "一二", "𝟘", "３"]
SHORT = ["don't", "I'll", "we've", "'s", "'S", "''t", "’s", "'", "x'd", "'ring"]
LETTERS = ["the", "Kettle", "é", "e\u0301", "\u0301", "İ", "ſ", "straße", "ŁÓDŹ", "ﬁ", "zzzzzzzzz"]
SCRIPTS = ["我喜欢茶", "한국어", "ไทย", "हिन्दी", "العربيةُ", "עִבְרִית", "日本語の", "𠀀𪚥", "Ωμέγα"]
EMOJI = ["😀", "👍🏽", "👩‍👩‍👧", "🇩🇪", "❤️", "😊😊😊", "\u200d", "\ufe0f"]
CONTROL = [
    "\0",
    "\x04",
    "\x06",
    "\x1c",
    "\x1f",
    "\x7f",
    "\u200b",
    "\ufeff",
    "\ufffd",
    "\U0010ffff",
    "\ue000",
]
SIGNS = [
    "...",
    "!!!",
    "?",
    ",",
    "==",
    "{}",
    "</p>",
    "#",
    "--",
    "¿",
    "«»",
    "€",
    "_",
    "__init__",
    "|>",
]
POOLS = [SPACES, SPACES, SPECIAL, DIGITS, SHORT, LETTERS, LETTERS, SCRIPTS, EMOJI, CONTROL, SIGNS]


def hard_texts(count: int, seed: int = 0) -> list[str]:
    """Texts of 1 to 24 pieces in any order: spaces, digits, scripts, emoji, special tokens."""
    draw = random.Random(seed)
    lengths = [draw.randint(1, 24) for _ in range(count)]
    return ["".join(draw.choice(draw.choice(POOLS)) for _ in range(length)) for length in lengths]


def chat_texts() -> list[str]:
    """More than a thousand: what the tokenizer is compared on, messages, and hard ones."""
    messages = pd.read_csv(project.ROOT / "data" / "messages.csv")["message"].dropna().tolist()
    return [*all_texts(), *messages[:200], *hard_texts(700)]
