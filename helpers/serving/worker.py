"""Requests that wait are answered together: one batch at a time, in a thread of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from helpers.serving.answers import Answer
from helpers.serving.requests import RefusedError

Compute = Callable[[list[str]], list[Answer]]


@dataclass(frozen=True)
class Job:
    """The texts of one request, and where its answers are awaited."""

    texts: list[str]
    found: asyncio.Future


class Worker:
    """Micro-batching: while one batch is computed, requests gather for the next one.

    Nobody waits for company: an idle worker begins at once with what is there. Used from one event
    loop, between `start` and `stop`.

    Attributes:
        waiting: texts that were accepted and are not answered yet.
        accepted, answered: requests so far. Requests whose computation failed are answered, too.
    """

    def __init__(self, compute: Compute, batch_size: int = 64, most_waiting: int = 1024) -> None:
        """A worker that has not begun.

        Args:
            compute: from n texts to n answers; called by one thread.
            batch_size: a batch is closed when it holds so many texts.
            most_waiting: texts; beyond them requests are refused.
        """
        self.compute, self.batch_size, self.most_waiting = compute, batch_size, most_waiting
        self.waiting = self.accepted = self.answered = 0

    def start(self) -> None:
        """Begin to work; called in the event loop."""
        self.queue: asyncio.Queue[Job] = asyncio.Queue()
        self.thread = ThreadPoolExecutor(1, "predict")
        self.task = asyncio.create_task(self.work())

    async def stop(self) -> None:
        """Answer what was accepted, then end."""
        await self.queue.join()
        self.task.cancel()
        self.thread.shutdown()

    async def answers_to(self, texts: list[str]) -> list[Answer]:
        """An answer for each text, once their batch is computed.

        Raises:
            RefusedError: 503, too many texts are waiting.
        """
        if self.waiting and self.waiting + len(texts) > self.most_waiting:
            raise RefusedError(503, "Too many texts are waiting for an answer. Try again later.")
        job = Job(texts, asyncio.get_running_loop().create_future())
        self.waiting += len(texts)
        self.accepted += 1
        self.queue.put_nowait(job)
        try:
            return await job.found
        finally:
            self.waiting -= len(texts)
            self.answered += 1

    async def work(self) -> None:
        """Take what waits, compute it, hand it out; for ever."""
        while True:
            jobs = [await self.queue.get()]
            while sum(len(job.texts) for job in jobs) < self.batch_size and not self.queue.empty():
                jobs.append(self.queue.get_nowait())
            await self.answer(jobs)
            for _ in jobs:
                self.queue.task_done()

    async def answer(self, jobs: list[Job]) -> None:
        """Compute jobs together; if that fails, each alone, so that none spoils another."""
        texts = [text for job in jobs for text in job.texts]
        try:
            loop = asyncio.get_running_loop()
            answers = await loop.run_in_executor(self.thread, self.compute, texts)
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    await self.answer([job])
            elif not jobs[0].found.done():
                jobs[0].found.set_exception(error)
            return
        rows = iter(answers)
        for job in jobs:
            own = [next(rows) for _ in job.texts]
            if not job.found.done():  # nobody cancelled it
                job.found.set_result(own)
