"""What a request may ask: from its bytes to texts, or a refusal that says what to change."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much one request may ask, and how much may wait.

    Attributes:
        texts: per request.
        characters: per text.
        body: bytes of a request.
        waiting: texts that may wait for an answer, of all requests together.
        seconds: for a request's body to arrive.
    """

    texts: int = 64
    characters: int = 20_000
    body: int = 1_000_000
    waiting: int = 1024
    seconds: float = 10.0


class RefusedError(ValueError):
    """A request that is not answered.

    Attributes:
        status: the HTTP status code.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def too_large(limits: Limits) -> RefusedError:
    """The refusal of a body that is larger than allowed."""
    return RefusedError(
        413,
        f"The request has more than {limits.body:,} bytes. Send fewer or shorter texts at once.",
    )


def texts_of(body: bytes, limits: Limits) -> list[str]:
    """The texts of a request, `{"text": "…"}` or `{"texts": ["…", "…"]}`.

    Raises:
        RefusedError: 413 for a body that is too large; 422 for one that is no JSON or holds
            something else, for too many texts, and for one that is too long.
    """
    if len(body) > limits.body:
        raise too_large(limits)
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(
            422, 'The request is no JSON. Send {"text": "…"} or {"texts": ["…", "…"]} in UTF-8.'
        ) from error
    if not isinstance(asked, dict) or asked.keys() not in ({"text"}, {"texts"}):
        raise RefusedError(
            422, 'The request must be {"text": "…"} or {"texts": ["…", "…"]}, and nothing else.'
        )
    texts = [asked["text"]] if "text" in asked else asked["texts"]
    check(texts, limits)
    return texts


def check(texts: object, limits: Limits) -> None:
    """Raise `RefusedError` unless these are texts, not too many, and none too long."""
    if not isinstance(texts, list) or not texts:
        raise RefusedError(422, '"texts" must be a list of at least one text.')
    if len(texts) > limits.texts:
        raise RefusedError(
            422,
            f"The request holds {len(texts)} texts; at most {limits.texts} are answered at once.",
        )
    for place, text in enumerate(texts):
        if not isinstance(text, str) or not is_unicode(text):
            raise RefusedError(422, f"Text {place} (counted from 0) is no text.")
        if len(text) > limits.characters:
            raise RefusedError(
                422,
                f"Text {place} (counted from 0) has {len(text):,} characters; at most "
                f"{limits.characters:,} are allowed. The model reads the beginning of it only.",
            )


def is_unicode(text: str) -> bool:
    """Whether a text holds no half of a surrogate pair, which JSON can write and no file can."""
    try:
        text.encode("utf8")
    except UnicodeEncodeError:
        return False
    return True
