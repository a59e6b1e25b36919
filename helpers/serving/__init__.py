"""Handing a saved model to a service: other engines behind `predict`, and a small server."""

from helpers.serving.app import create_app
from helpers.serving.engines import (
    PRECISIONS,
    Exported,
    ServingError,
    export,
    load,
    load_export,
    place_of,
)
from helpers.serving.requests import Limits

__all__ = [
    "PRECISIONS",
    "Exported",
    "Limits",
    "ServingError",
    "create_app",
    "export",
    "load",
    "load_export",
    "place_of",
]
