"""Interactive figures for notebooks: plain HTML, offline, with words for what they show."""

from helpers.widgets.frame import STATIC
from helpers.widgets.heads import attention
from helpers.widgets.masks import masks
from helpers.widgets.pieces import tokenizer

__all__ = ["STATIC", "attention", "masks", "tokenizer"]
