"""A reader's own CSV: what was read, what was left out and why, predictions for a second file.

Rows are numbered as a spreadsheet does: the header is row 1. No file that is read is changed.
"""

from helpers.own_data.checks import LabelError
from helpers.own_data.loading import OwnData, load
from helpers.own_data.new_file import load_labelled, predict_file
from helpers.own_data.records import Dialect
from helpers.own_data.sources import FileError
from helpers.own_data.tables import ColumnNotFoundError
from helpers.own_data.writing import inert, replacing

__all__ = [
    "ColumnNotFoundError",
    "Dialect",
    "FileError",
    "LabelError",
    "OwnData",
    "inert",
    "load",
    "load_labelled",
    "predict_file",
    "replacing",
]
