"""A small web service around a saved classifier.

    POST /predict    {"text": "…"} or {"texts": ["…", "…"]}  ->  {"answers": [{"label": …}]}
    GET  /health     what is served, and how many texts wait

FastAPI is optional (requirements/serving.txt), so it is imported where it is used.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import batching, checkpoints, runtime, storage, training
from helpers.serving.answers import Answer, answers_of, names_of
from helpers.serving.engines import ServingError, load, needed
from helpers.serving.requests import Limits, RefusedError, texts_of, too_large
from helpers.serving.worker import Worker

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

TORCH = {None: None, "float32": "fp32", "bfloat16": "bf16"}  # what `training.predict` calls them
DRAINED = 16  # times the largest body: so much of a larger one is read, and thrown away


class Classifier:
    """A saved model as a service uses it: from texts to answers.

    Attributes:
        facts: what GET /health says of it.
    """

    def __init__(
        self, folder: Path | str, engine: str | None = None, precision: str | None = None
    ) -> None:
        """Load it; arguments and errors as those of `create_app`."""
        if engine is None and precision not in TORCH:
            raise ServingError(
                f"precision is {precision!r}; with torch choose float32 or bfloat16."
            )
        self.tokenizer, self.model = load(folder, engine, precision or "float32")
        self.precision = TORCH[precision] if engine is None else None
        self.max_length = checkpoints.remembered(self.model)["max_length"]
        self.facts = {
            "model": storage.absolute(folder).name,
            "engine": engine or "torch",
            "precision": self.computes_in(engine),
            "max_length": self.max_length,
            "labels": names_of(self.model.config),
        }

    def computes_in(self, engine: str | None) -> str:
        """The precision, by its name."""
        if engine is not None:
            return self.model.precision
        asked = self.precision or checkpoints.remembered(self.model)["precision"]
        return str(runtime.precision_of(asked, self.model.device)).removeprefix("torch.")

    def answers(self, texts: list[str]) -> list[Answer]:
        """An answer for each text; `cut` says that it was longer than the model reads."""
        logits = training.predict(self.model, self.tokenizer, texts, precision=self.precision)
        found = answers_of(logits, self.model)
        for text, answer in zip(texts, found, strict=True):
            if self.is_cut(text):
                answer["cut"] = True
        return found

    def is_cut(self, text: str) -> bool:
        """Whether a text has more tokens than the model reads; a token has a character or more."""
        if len(text) + self.tokenizer.num_special_tokens_to_add() <= self.max_length:
            return False
        return batching.cut_share([text], self.tokenizer, self.max_length) > 0


async def body_of(request: "Request", limits: Limits) -> bytes:
    """The bytes of a request.

    Raises:
        RefusedError: 413, they are too many; 408, they do not arrive.
    """
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= limits.body:
                    body += chunk
                elif size > DRAINED * limits.body:
                    break
    except TimeoutError as error:
        raise RefusedError(408, f"The request took over {limits.seconds:g} s to arrive.") from error
    if size > limits.body:  # only now: a client reads no answer while it is still writing
        raise too_large(limits)
    return bytes(body)


def create_app(
    folder: Path | str,
    engine: str | None = None,
    precision: str | None = None,
    limits: Limits | None = None,
) -> "FastAPI":
    """A web application around a saved classifier; `app.state.worker` computes its answers.

    Args:
        folder: a model that `training.save` stored. One that reads pairs is not served.
        engine: "onnx" or "openvino", see `serving.load`; None: torch.
        precision: None: with torch, as the model was trained; with others, float32.
        limits: None: those of `Limits()`.

    Raises:
        ServingError: no classifier, no such engine or precision, or a library is missing.
        StorageError: the folder is missing or damaged.
    """
    fastapi, requests = needed("fastapi"), needed("starlette.requests", "starlette")
    classifier, limits = Classifier(folder, engine, precision), limits or Limits()
    worker = Worker(classifier.answers, most_waiting=limits.waiting)

    @asynccontextmanager
    async def lifespan(_: "FastAPI") -> AsyncIterator[None]:
        worker.start()
        yield
        await worker.stop()

    # The pages of FastAPI that show an interface load scripts from another host.
    app = fastapi.FastAPI(title="SFT Unveiled", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.worker = worker

    @app.post("/predict")
    async def predict(request: fastapi.Request) -> dict:
        texts = texts_of(await body_of(request, limits), limits)
        return {"answers": await worker.answers_to(texts)}

    @app.get("/health")
    async def health() -> dict:
        return {"status": "ready"} | classifier.facts | {"waiting": worker.waiting}

    @app.exception_handler(RefusedError)
    async def refused(_: fastapi.Request, error: RefusedError) -> fastapi.Response:
        return fastapi.responses.JSONResponse({"error": str(error)}, error.status)

    @app.exception_handler(requests.ClientDisconnect)
    async def gone(*_: object) -> fastapi.Response:
        return fastapi.Response(status_code=400)  # which nobody reads

    return app
