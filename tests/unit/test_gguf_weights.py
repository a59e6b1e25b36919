"""From a GGUF file to safetensors: the right numbers, once, complete or not there.

All tests but the last use a file of one narrow layer, read and converted like the real one.
"""

import errno
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.torch import load_file
from transformers import PreTrainedModel
from transformers.utils import logging

from helpers import checkpoints, downloads, files, folders, gguf_weights
from tests.unit import tiny_gguf
from tests.unit.test_downloads import left_behind

FILE = "tiny.gguf"
CONVERTED = "tiny-safetensors"


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """A small file, and what its model answers."""
    path = tmp_path_factory.mktemp("gguf") / FILE
    tiny_gguf.write(path)
    return path


@pytest.fixture(scope="module")
def answer(original) -> tuple[list[int], list[float]]:
    """The five likeliest tokens after `PROMPT`, and how far the others are behind the first."""
    tokenizer, model = gguf_weights.read(original)
    plain = gguf_weights.without_quantization(model).to(torch.bfloat16).float()
    logits = gguf_weights.next_logits(plain, tokenizer)
    likeliest = logits.topk(5).indices.tolist()
    return likeliest, (logits[likeliest[0]] - logits[likeliest]).tolist()


@pytest.fixture
def place(original, answer, tmp_path, monkeypatch) -> Path:
    """A downloads folder in which one source, a GGUF file, is there and not yet converted."""
    folder = tmp_path / "downloads"
    (folder / "tiny").mkdir(parents=True)
    shutil.copy(original, folder / "tiny")
    source = {"gguf": FILE, "members": {FILE: files.sha256(original)}}
    monkeypatch.setattr(downloads, "FOLDER", folder)
    monkeypatch.setattr(downloads, "sources", lambda: {"tiny": source})
    monkeypatch.setattr(gguf_weights, "LIKELIEST", answer[0])
    monkeypatch.setattr(gguf_weights, "GAPS", answer[1])
    forget()
    yield folder
    forget()


def forget() -> None:
    """As in a new process."""
    downloads.folder.cache_clear()
    gguf_weights.folder.cache_clear()


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def in_another_process(place: Path, more: str = "") -> subprocess.Popen:
    """A process that begins with `more` and then converts."""
    program = (
        "import os; from pathlib import Path\n"
        "from helpers import downloads, folders, gguf_weights\n"
        f"downloads.FOLDER = Path({str(place)!r})\n"
        f"sources = {downloads.sources()!r}\n"
        "downloads.sources = lambda: sources\n"
        f"gguf_weights.LIKELIEST = {gguf_weights.LIKELIEST!r}\n"
        f"gguf_weights.GAPS = {gguf_weights.GAPS!r}\n"
        f"{more}\n"
        "gguf_weights.folder('tiny')"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=downloads.ROOT, stderr=subprocess.DEVNULL
    )


# ---------------------------------------------------------------- what is written


def test_the_weights_are_those_of_the_file_in_bfloat16(place, original):
    """Matrices compared with the reader of the format's own makers."""
    stored = load_file(gguf_weights.folder("tiny") / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    names = {
        "token_embd": "model.embed_tokens",
        "blk.0.ffn_up": "model.layers.0.mlp.up_proj",
        "blk.0.ffn_down": "model.layers.0.mlp.down_proj",
        "blk.0.attn_v": "model.layers.0.self_attn.v_proj",
        "blk.0.attn_norm": "model.layers.0.input_layernorm",
    }
    there = {tensor.name: tensor for tensor in GGUFReader(original).tensors}
    for name, ours in names.items():
        tensor = there[f"{name}.weight"]
        expected = torch.tensor(dequantize(tensor.data, tensor.tensor_type)).to(torch.bfloat16)
        assert torch.equal(stored[f"{ours}.weight"], expected), name


def test_the_converted_model_can_be_trained_and_saved(place, tmp_path):
    """One that was read from GGUF can be neither, for it says that it is quantized."""
    tokenizer, model = checkpoints.load_causal("tiny")
    assert not hasattr(model.config, "quantization_config")
    batch = tokenizer("in time", return_tensors="pt")
    model(**batch, labels=batch["input_ids"]).loss.backward()
    model.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "model.safetensors").is_file()


def test_the_tokenizer_comes_with_its_template_and_its_special_tokens(place):
    tokenizer = checkpoints.load_tokenizer("tiny")
    said = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert said == "<|im_start|>user\nHi<|im_end|>\n"
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer("in")["input_ids"] == [tiny_gguf.TOKENS.index("in")]


def test_special_tokens_are_those_of_the_file_whatever_the_library_reads(place, monkeypatch):
    """transformers 5.15 takes the start token for the end token: no answer would ever end."""
    read = gguf_weights.AutoTokenizer.from_pretrained

    def misread(folder, **options):
        tokenizer = read(folder, **options)
        if "gguf_file" in options:
            tokenizer.eos_token, tokenizer.pad_token = "<|im_start|>", None
        return tokenizer

    monkeypatch.setattr(gguf_weights.AutoTokenizer, "from_pretrained", misread)
    folder = gguf_weights.folder("tiny")
    tokenizer = read(folder, trust_remote_code=False)
    assert tokenizer.eos_token == tokenizer.pad_token == "<|im_end|>"
    assert tokenizer.bos_token == "<|im_start|>"


def test_a_tokenizer_that_comes_back_with_another_end_is_refused(place, monkeypatch):
    read = gguf_weights.AutoTokenizer.from_pretrained

    def misread(folder, **options):
        tokenizer = read(folder, **options)
        if "gguf_file" not in options:
            tokenizer.eos_token = "<|im_start|>"
        return tokenizer

    monkeypatch.setattr(gguf_weights.AutoTokenizer, "from_pretrained", misread)
    with pytest.raises(downloads.DownloadError, match=r"ends texts with '<\|im_start\|>'"):
        gguf_weights.folder("tiny")
    assert not (place / CONVERTED).exists()


def test_neither_the_global_chance_nor_the_librarys_settings_change(place):
    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    try:
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        checkpoints.load_causal("tiny")
        assert torch.equal(torch.rand(3), expected)
        assert not logging.is_progress_bar_enabled() and logging.get_verbosity() == level
    finally:
        if bars:
            logging.enable_progress_bar()


# ---------------------------------------------------------------- once, and checked


def test_it_is_converted_once_and_checked_once_a_process(place, monkeypatch):
    converted, verified = [], []
    convert, verify = gguf_weights.convert, folders.verify
    monkeypatch.setattr(gguf_weights, "convert", lambda *a: converted.append(a) or convert(*a))
    monkeypatch.setattr(folders, "verify", lambda folder: verified.append(folder) or verify(folder))
    gguf_weights.folder("tiny")
    forget()
    verified.clear()
    for _ in range(2):
        checkpoints.load_causal("tiny")
    assert len(converted) == 1
    assert verified == [place / CONVERTED]
    assert left_behind(place) == ["tiny", CONVERTED]


def test_a_converted_model_needs_neither_its_file_nor_a_lock(place):
    """So that it can be read where nothing may be written."""
    gguf_weights.folder("tiny")
    forget()
    (place / "tiny" / FILE).unlink()
    (place / f"{CONVERTED}.lock").write_text("somebody else's", encoding="utf8")
    assert gguf_weights.folder("tiny") == place / CONVERTED


def test_two_processes_at_once_convert_once(place):
    """Each waits, when it has loaded its libraries, until both have."""
    more = (
        "import time\n"
        "here = gguf_weights.place('tiny').parent\n"
        "(here / f'ready-{os.getpid()}').touch()\n"
        "while len(list(here.glob('ready-*'))) < 2: time.sleep(0.01)\n"
        "convert = gguf_weights.convert\n"
        "def counted(original, new):\n"
        "    (here / f'counted-{os.getpid()}').touch()\n"
        "    time.sleep(0.3)\n"
        "    convert(original, new)\n"
        "gguf_weights.convert = counted"
    )
    children = [in_another_process(place, more) for _ in range(2)]
    assert [child.wait(timeout=300) for child in children] == [0, 0]
    assert len(list(place.glob("counted-*"))) == 1
    assert gguf_weights.is_complete(place / CONVERTED, downloads.sources()["tiny"])


def test_a_file_of_another_version_is_converted_in_the_place_of_the_old_one(place):
    before = contents(gguf_weights.folder("tiny"))
    tiny_gguf.write(place / "tiny" / FILE, seed=1)
    downloads.sources()["tiny"]["members"][FILE] = files.sha256(place / "tiny" / FILE)
    forget()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf_weights, "check", lambda model, tokenizer: None)
        after = contents(gguf_weights.folder("tiny"))
    assert after["model.safetensors"] != before["model.safetensors"]
    assert left_behind(place) == ["tiny", CONVERTED]


# ---------------------------------------------------------------- what can go wrong


KILLED = {  # by what another process begins with
    "new one written": "folders.exchange = lambda *a: os.kill(os.getpid(), 9)",
    "old one set aside": (
        "rename = os.rename\n"
        "def killed(old, new):\n"
        "    rename(old, new)\n"
        "    os.kill(os.getpid(), 9)\n"
        "os.rename = killed"
    ),
}


@pytest.mark.parametrize("moment", KILLED)
def test_a_conversion_that_is_killed_leaves_nothing_that_looks_complete(place, moment):
    if moment == "old one set aside":  # an intact conversion of another file is being replaced
        folders.write_folder(
            place / CONVERTED, lambda new: (new / "old").write_text("x"), {"from": "another"}
        )
    child = in_another_process(place, KILLED[moment])
    assert child.wait(timeout=300) == -signal.SIGKILL
    assert not gguf_weights.place("tiny").exists()
    assert len([name for name in left_behind(place) if name.startswith(".sft-unveiled")]) == 1
    assert gguf_weights.folder("tiny") == place / CONVERTED
    assert left_behind(place) == ["tiny", CONVERTED]
    assert (place / CONVERTED / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_damaged_file_is_noticed_kept_and_written_again(place, capsys, name):
    whole = contents(gguf_weights.folder("tiny"))
    damaged = whole[name][:-1] + bytes([whole[name][-1] ^ 1])
    (place / CONVERTED / name).write_bytes(damaged)
    forget()
    assert contents(gguf_weights.folder("tiny")) == whole
    assert left_behind(place) == ["tiny", CONVERTED, f"{CONVERTED}.set-aside-1"]
    assert (place / f"{CONVERTED}.set-aside-1" / name).read_bytes() == damaged
    said = capsys.readouterr().out
    assert f"{name} is damaged, or was changed" in said and "set-aside-1" in said


def test_a_file_that_is_missing_is_written_again(place):
    whole = contents(gguf_weights.folder("tiny"))
    (place / CONVERTED / "tokenizer.json").unlink()
    forget()
    assert contents(gguf_weights.folder("tiny")) == whole
    assert left_behind(place) == ["tiny", CONVERTED]


@pytest.mark.parametrize("also_damaged", [False, True])
def test_what_somebody_put_there_is_kept_and_named(place, also_damaged):
    folder = gguf_weights.folder("tiny")
    (folder / "thesis.txt").write_text("mine", encoding="utf8")
    if also_damaged:
        (folder / "config.json").write_text("{}", encoding="utf8")
    before = contents(folder)
    forget()
    with pytest.raises(files.ForeignError, match="Nothing was replaced or removed") as caught:
        gguf_weights.folder("tiny")
    assert "thesis.txt" in str(caught.value) or also_damaged
    assert contents(folder) == before
    assert left_behind(place) == ["tiny", CONVERTED]


def test_a_folder_of_somebody_else_is_kept(place):
    (place / CONVERTED).mkdir()
    (place / CONVERTED / "model.safetensors").write_bytes(b"mine")
    with pytest.raises(files.ForeignError, match=r"model\.safetensors"):
        gguf_weights.folder("tiny")
    assert contents(place / CONVERTED) == {"model.safetensors": b"mine"}


def test_a_model_that_answers_wrongly_is_refused_and_not_kept(place, monkeypatch):
    wrong = [gap + 2 * gguf_weights.TOLERANCE * (gap > 0) for gap in gguf_weights.GAPS]
    monkeypatch.setattr(gguf_weights, "GAPS", wrong)
    with pytest.raises(downloads.DownloadError, match=r"does not answer .* Nothing was kept"):
        gguf_weights.folder("tiny")
    assert left_behind(place) == ["tiny"]


def test_numbers_that_are_none_are_refused(place, monkeypatch):
    lost = torch.full((len(tiny_gguf.TOKENS),), float("nan"))
    monkeypatch.setattr(gguf_weights, "next_logits", lambda model, tokenizer: lost)
    with pytest.raises(downloads.DownloadError, match="does not answer"):
        gguf_weights.folder("tiny")


def test_a_disk_too_small_is_said_before_anything_is_written(place, monkeypatch):
    usage = shutil._ntuple_diskusage(100, 99, 5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(downloads.DownloadError, match=r"^Converting tiny needs 300 MB.*5 MB are"):
        gguf_weights.folder("tiny")
    assert left_behind(place) == ["tiny"]


def test_a_disk_that_is_full_half_way_is_one_message_and_leaves_nothing(place, monkeypatch):
    def full(model, folder):
        (Path(folder) / "model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PreTrainedModel, "save_pretrained", full)
        with pytest.raises(downloads.DownloadError, match=r"No space left.*Make room in") as caught:
            gguf_weights.folder("tiny")
    assert len(str(caught.value).splitlines()) == 1
    assert left_behind(place) == ["tiny"]
    assert gguf_weights.folder("tiny") == place / CONVERTED


# ---------------------------------------------------------------- the course's own model


@pytest.fixture(scope="module")
def real():
    """Tokenizer and model, if this machine has them: `tasks.py lab` converts them."""
    if not gguf_weights.place("smollm2").is_dir():
        pytest.skip("smollm2 has not been converted here")
    return checkpoints.load_causal("smollm2")


def test_the_likeliest_next_tokens_are_the_five_that_are_checked(real):
    tokenizer, model = real
    logits = gguf_weights.next_logits(model, tokenizer)
    assert logits.topk(5).indices.tolist() == gguf_weights.LIKELIEST
    assert tokenizer.decode(gguf_weights.LIKELIEST[:2]) == " Paris the"
    gguf_weights.check(model, tokenizer)


def test_it_knows_the_capital_of_france_and_stops(real):
    tokenizer, model = real
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    options = {"add_generation_prompt": True, "return_tensors": "pt", "return_dict": True}
    batch = tokenizer.apply_chat_template(asked, **options)
    written = model.generate(**batch, max_new_tokens=20, do_sample=False)
    answer = tokenizer.decode(written[0, batch["input_ids"].shape[1] :])
    assert answer == "The capital of France is Paris.<|im_end|>"


def test_it_is_what_its_card_says(real):
    """Sizes, special tokens and the inserted system message; data/smollm2.md names them."""
    tokenizer, model = real
    assert sum(p.numel() for p in model.parameters()) == 134_515_008
    config = model.config
    assert (config.num_hidden_layers, config.hidden_size, config.intermediate_size) == (
        30, 576, 1536,
    )  # fmt: skip
    assert (config.num_attention_heads, config.num_key_value_heads) == (9, 3)
    assert (config.vocab_size, config.max_position_embeddings) == (49_152, 8_192)
    assert config.rope_parameters["rope_theta"] == 100_000
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert tokenizer.convert_tokens_to_ids(tiny_gguf.SPECIAL) == [0, 1, 2]
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    asked = [{"role": "user", "content": "Hi"}]
    said = tokenizer.apply_chat_template(asked, tokenize=False)
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    assert said == (f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n")
