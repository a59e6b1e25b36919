"""From a conversation to token ids and labels: which tokens carry loss.

A conversation is a list of messages, each `{"role": "user", "content": "…"}`, as everywhere in the
field. Its labels follow the library's convention: −100 where nothing is learned, elsewhere the
token's own id; the model shifts them by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

IGNORED = -100  # what torch's cross_entropy leaves out

Message = dict[str, str]
Conversation = Sequence[Message]


class ConversationError(ValueError):
    """A conversation that cannot be encoded; the message names the cause and the cure."""


@dataclass(frozen=True)
class Example:
    """A conversation as the model reads it.

    Attributes:
        input_ids: T token ids.
        labels: T numbers, −100 or the id at the same place.
    """

    input_ids: list[int]
    labels: list[int]


def end_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """Id of the token that ends an answer.

    Raises:
        ConversationError: the tokenizer names none, so a model could never stop.
    """
    if tokenizer.eos_token_id is None:
        raise ConversationError(
            "the tokenizer has no end token (eos_token). Set it, and try again."
        )
    return tokenizer.eos_token_id


def render(
    tokenizer: PreTrainedTokenizerBase, conversation: Conversation, add_prompt: bool = False
) -> list[int]:
    """Token ids of a conversation in the tokenizer's own chat template.

    Args:
        add_prompt: append the header of an answer, so that the model writes the answer next.

    Raises:
        ConversationError: the tokenizer has no chat template, or it cannot render this.
    """
    if not tokenizer.chat_template:
        raise ConversationError(
            "this tokenizer has no chat template, so it was not made for conversations. Choose an "
            'instruction-tuned checkpoint, such as "smollm2".'
        )
    try:
        return tokenizer.apply_chat_template(
            list(conversation), add_generation_prompt=add_prompt, return_dict=False
        )
    except (ValueError, TypeError, LookupError, TemplateError) as error:
        raise ConversationError(
            f"the chat template cannot render this conversation ({error}). Each message must be "
            'like {"role": "user", "content": "…"}, and the first one of the system or the user.'
        ) from error


def encode(
    tokenizer: PreTrainedTokenizerBase, conversation: Conversation, max_length: int | None = None
) -> Example:
    """Token ids of a conversation, and as labels the answers with their end tokens.

    Each answer is found by rendering the conversation up to it: what the whole adds to that is the
    answer. Nothing is searched for in the text, where the same words could occur elsewhere.

    Args:
        max_length: keep so many tokens, cut at the left, so that the last answer stays whole.

    Raises:
        ConversationError: there is no answer, or the template renders the beginning of a
            conversation differently from the whole.
    """
    ids = render(tokenizer, conversation)
    labels = [IGNORED] * len(ids)
    for i, message in enumerate(conversation):
        if message["role"] == "assistant":
            begin, end = answer_span(tokenizer, conversation, i, ids)
            labels[begin:end] = ids[begin:end]
    if set(labels) == {IGNORED}:
        raise ConversationError(
            "this conversation holds no message of the assistant, so there is nothing to learn. "
            "Add the answer, or leave the conversation out."
        )
    return cut(Example(ids, labels), max_length)


def cut(example: Example, max_length: int | None) -> Example:
    """The last `max_length` tokens of an example, so that the last answer stays whole."""
    first = 0 if max_length is None else max(0, len(example.input_ids) - max_length)
    return Example(example.input_ids[first:], example.labels[first:])


def answer_span(
    tokenizer: PreTrainedTokenizerBase, conversation: Conversation, i: int, ids: list[int]
) -> tuple[int, int]:
    """Where message `i`, an answer, begins and ends among the ids: its end token is the last one.

    Raises:
        ConversationError: the rendered beginning is no prefix of the whole, or no end token comes.
    """
    before = render(tokenizer, conversation[:i], add_prompt=True)
    through = render(tokenizer, conversation[: i + 1])
    if ids[: len(before)] != before or ids[: len(through)] != through:
        raise ConversationError(
            f"the answer in message {i + 1} cannot be found: the chat template renders what comes "
            "before it differently when more follows. If the answer begins with a blank, remove "
            "that; if not, use a template that only ever appends."
        )
    stop = end_id(tokenizer)
    ends = [t for t in range(len(before), len(through)) if ids[t] == stop]
    if not ends:
        raise ConversationError(
            f"the chat template writes no {tokenizer.eos_token!r} after an answer, so the model "
            "could not learn to stop. Set the tokenizer's eos_token to the token that ends one."
        )
    return len(before), ends[-1] + 1


def prompt_of(conversation: Conversation) -> list[Message]:
    """The messages before the last answer: what the model is given when it shall write that.

    Raises:
        ConversationError: there is no answer.
    """
    found = [i for i, message in enumerate(conversation) if message["role"] == "assistant"]
    if not found:
        raise ConversationError("this conversation holds no message of the assistant.")
    return list(conversation[: found[-1]])
