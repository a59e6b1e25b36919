"""Four tasks in which a text is turned into another one, as conversations for a language model."""

from collections.abc import Sequence

from datasets import Dataset, DatasetDict

from helpers.chat import course
from helpers.other_tasks.esperanto import sentences
from helpers.other_tasks.messages import questions_of, rewritten_of
from helpers.other_tasks.reading import texts_of

NO_ANSWER = "not said"
SYSTEM = {
    "answer": f'Answer with words of the message. If it does not say, answer "{NO_ANSWER}".',
    "subject": "Write a subject line for the message in at most seven words.",
    "polite": "Rewrite the message in polite, complete sentences.",
    "translate": "Translate into Esperanto.",
}


def as_conversations(task: str, texts: Sequence[str], answers: Sequence[str]) -> Dataset:
    """A column `messages`: the task's instruction, a text, and what should come out."""
    pairs = zip(texts, answers, strict=True)
    rows = [course.conversation(SYSTEM[task], text, answer) for text, answer in pairs]
    return Dataset.from_dict({"messages": rows})


def conversations(inbox: DatasetDict, part: str) -> dict[str, Dataset]:
    """Conversations of one part for each of the four tasks, by its name.

    Args:
        inbox: the messages, from `chat.course.load`.
        part: "train", "validation", "test", or "new role", which only translation has.
    """
    rows = sentences()[part]
    found = {"translate": as_conversations("translate", rows["text"], rows["answer"])}
    if part not in inbox:
        return found
    texts, rewritten = texts_of(inbox[part]), rewritten_of(inbox[part])
    questions = questions_of(inbox[part])
    asked = [f"{one.text}\n\nQuestion: {one.question}" for one in questions]
    found["answer"] = as_conversations("answer", asked, [q.answer or NO_ANSWER for q in questions])
    found["subject"] = as_conversations("subject", texts, [one.subject for one in rewritten])
    found["polite"] = as_conversations("polite", texts, [one.polite for one in rewritten])
    return found
