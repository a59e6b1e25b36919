"""From a GGUF file, whose weights are rounded to 4 bits, to the safetensors that we train from.

A model that was loaded from GGUF keeps a note that it is quantized: it can be neither saved nor
trained. So the numbers go once into a fresh model, and from then on that one is loaded.
"""

import io
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path

import torch
from gguf import GGUFReader
from tokenizers import pre_tokenizers
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from helpers import downloads, files, folders, runtime
from helpers.downloads import DownloadError

# What the converted model must say after this text: the five likeliest next tokens, and how much
# larger the first logit is than each of the others. Computed in fp32; processors differ by 1e-4.
PROMPT = "The capital of France is"
LIKELIEST = [7042, 260, 4528, 2250, 1315]  # " Paris", " the", " London", " Le", " New"
GAPS = [0.0, 2.4848, 4.1452, 4.3476, 4.4201]
TOLERANCE = 0.01
# What the library calls the special tokens, and what a GGUF file calls their ids.
SPECIAL = {
    "bos_token": "bos",
    "eos_token": "eos",
    "unk_token": "unknown",
    "pad_token": "padding",
}
FORM = 3  # of what is written: raised when a conversion comes out differently than before
ROOM_MB = 300  # measured: 273 MB are written


def place(name: str) -> Path:
    """Where the converted model of a source lies, or will lie."""
    return downloads.FOLDER / f"{name}-safetensors"


@cache
def folder(name: str) -> Path:
    """Folder of a converted model and its tokenizer, checked by SHA-256 once a process.

    It is converted if it is missing or incomplete. A damaged one is converted again, and kept
    under another name.

    Raises:
        DownloadError: it cannot be fetched, there is no room, or it answers wrongly.
        ForeignError: something else lies in its place.
    """
    source, target = downloads.sources()[name], place(name)
    if not (target.is_dir() and is_complete(target, source)):
        original = downloads.folder(name) / source["gguf"]
        with downloads.locked(target.name):
            folders.recover(target)  # what a killed conversion left
            if not is_complete(target, source):  # another process may have done it meanwhile
                write(name, original, target)
    return target


def write(name: str, original: Path, target: Path) -> None:
    """Convert a source's file into its folder; the caller holds the lock.

    Raises:
        DownloadError: there is no room, or the converted model answers wrongly.
        ForeignError: something else lies in its place.
    """
    files.check_space(f"Converting {name}", ROOM_MB, downloads.FOLDER, DownloadError)
    put_damaged_aside(target)
    facts = {"kind": "converted"} | conversion_of(downloads.sources()[name])
    try:
        folders.write_folder(target, lambda new: convert(original, new), facts)
    except files.ForeignError:
        raise
    except files.StorageError as error:
        raise DownloadError(
            f"{name} could not be converted: {error.__cause__ or error}. Nothing of it was kept. "
            f"Make room in {downloads.FOLDER}, or let this account write there, and run the same "
            "command again."
        ) from error


def put_damaged_aside(target: Path) -> None:
    """Give a converted folder another name if its files, and no others, are not as stored.

    What somebody added to it stays where it is: then `folders.write_folder` says so.
    """
    if not folders.is_stored(target):
        return
    others = folders.foreign(target)
    if others and set(others) <= set(folders.read_manifest(target).files):
        aside = files.set_aside(target)
        print(
            f"{target / others[0]} is damaged, or was changed since it was written. The folder was "
            f"kept, as {aside}, and the model is converted again."
        )


def is_complete(target: Path, source: dict) -> bool:
    """Whether a folder holds a conversion of this very file, every byte as it was written."""
    try:
        facts = folders.verify(target).facts
    except files.StorageError:
        return False
    return conversion_of(source).items() <= facts.items()


def conversion_of(source: dict) -> dict[str, object]:
    """What tells a conversion from that of another file, or by another version of this module."""
    return {"from": source["members"][source["gguf"]], "form": FORM}


def convert(original: Path, new: Path) -> None:
    """Write a plain model in bfloat16 and its tokenizer into a folder, and check what it says.

    Raises:
        DownloadError: the converted model's logits are not the expected ones.
    """
    verbosity, shows_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with runtime.progress(total=4, desc=f"convert {original.name}", unit=" steps") as bar:
            with redirect_stderr(io.StringIO()):  # the reader has a bar of its own
                tokenizer, model = read(original)
            bar.update()
            plain = without_quantization(model).to(torch.bfloat16)
            bar.update()
            plain.save_pretrained(new)
            tokenizer.save_pretrained(new)
            bar.update()
            check(reloaded(new), stored_tokenizer(new, tokenizer.eos_token))
            bar.update()
    finally:
        logging.set_verbosity(verbosity)
        if shows_bars:
            logging.enable_progress_bar()


def reloaded(folder: Path) -> PreTrainedModel:
    """The converted model, from its file, in fp32."""
    return AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
    )


def stored_tokenizer(folder: Path, end: str) -> PreTrainedTokenizerBase:
    """The converted tokenizer, from its files; raises `DownloadError` if its end token is wrong."""
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if tokenizer.eos_token != end:
        raise DownloadError(
            f"the converted tokenizer ends texts with {tokenizer.eos_token!r}, not with {end!r}. "
            "Nothing was kept. Is the installed version of transformers one that requirements.txt "
            "allows?"
        )
    return tokenizer


def read(original: Path) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and model of a GGUF file, as the library reads them."""
    options = {"gguf_file": original.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(original.parent, trust_remote_code=False, **options)
    # The file says `tokenizer.ggml.pre = smollm`: each digit is a word of its own. The library's
    # reader passes over that, which would change how blanks before a number are cut.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    model = AutoModelForCausalLM.from_pretrained(
        original.parent, dtype=torch.float32, trust_remote_code=False, **options
    )
    return with_special_tokens(tokenizer, original), model


def with_special_tokens(
    tokenizer: PreTrainedTokenizerBase, original: Path
) -> PreTrainedTokenizerBase:
    """The same tokenizer, with the special tokens that the file names.

    transformers 5.15 takes the start token for the end token, so that no answer would ever end.
    """
    fields = GGUFReader(original).fields
    numbers = {name: fields.get(f"tokenizer.ggml.{key}_token_id") for name, key in SPECIAL.items()}
    named = {
        name: tokenizer.convert_ids_to_tokens(int(field.parts[-1][0]))
        for name, field in numbers.items()
        if field is not None
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer,
        chat_template=tokenizer.chat_template,
        clean_up_tokenization_spaces=False,
        **named,
    )


def without_quantization(model: PreTrainedModel) -> PreTrainedModel:
    """The same weights in a model whose configuration says nothing of quantization."""
    settings = model.config.to_dict()
    for name in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        settings.pop(name, None)
    with torch.random.fork_rng():
        plain = type(model)(type(model.config)(**settings))
    plain.load_state_dict(model.state_dict())
    return plain


def check(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise `DownloadError` unless the model continues `PROMPT` as it should."""
    found = next_logits(model, tokenizer)[LIKELIEST]
    gaps = found[0] - found
    if not torch.allclose(gaps, torch.tensor(GAPS), atol=TOLERANCE):
        raise DownloadError(
            f"the converted model does not answer {PROMPT!r} as it should (differences of logits "
            f"{[round(gap, 3) for gap in gaps.tolist()]}, expected {GAPS}). Nothing was kept. Is "
            "the installed version of gguf or transformers one that requirements.txt allows?"
        )


def next_logits(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Logits of the token after `PROMPT`, shape (V,)."""
    input_ids = tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        return model(input_ids=input_ids).logits[0, -1]
