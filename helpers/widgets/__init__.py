"""Interactive figures for notebooks: plain HTML, offline, with words for what they show."""

from helpers.widgets.calibration import temperature
from helpers.widgets.frame import STATIC
from helpers.widgets.heads import attention
from helpers.widgets.masks import masks
from helpers.widgets.pieces import tokenizer
from helpers.widgets.recording import replay
from helpers.widgets.scores import samples, threshold
from helpers.widgets.valleys import descent
from helpers.widgets.words import stored_words, words

__all__ = [
    "STATIC",
    "attention",
    "descent",
    "masks",
    "replay",
    "samples",
    "stored_words",
    "temperature",
    "threshold",
    "tokenizer",
    "words",
]
