"""Handing a saved model to a service: other engines behind `training.predict`, and a small server."""

from helpers.serving.engines import (
    PRECISIONS,
    Exported,
    ServingError,
    export,
    load,
    load_export,
    place_of,
)

__all__ = [
    "PRECISIONS",
    "Exported",
    "ServingError",
    "export",
    "load",
    "load_export",
    "place_of",
]
