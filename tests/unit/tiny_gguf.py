"""A GGUF file of one narrow layer, written as those of real models are: 4 bits, a tokenizer."""

from pathlib import Path

import gguf
import numpy as np
from gguf.quants import quantize
from tokenizers.pre_tokenizers import ByteLevel

WIDTH, INNER, HEADS, KEY_HEADS, CONTEXT = 32, 64, 2, 1, 64
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TOKENS = [*SPECIAL, *sorted(ByteLevel.alphabet()), "in"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' "
    "+ message['content'] + '<|im_end|>\\n' }}{% endfor %}"
)
FOUR_BITS = gguf.GGMLQuantizationType.Q4_1


def tensors(seed: int) -> dict[str, np.ndarray]:
    """Random weights by their names in the file."""
    rng, head = np.random.default_rng(seed), WIDTH // HEADS
    shapes = {
        "token_embd": (len(TOKENS), WIDTH),
        "blk.0.attn_q": (WIDTH, WIDTH),
        "blk.0.attn_k": (KEY_HEADS * head, WIDTH),
        "blk.0.attn_v": (KEY_HEADS * head, WIDTH),
        "blk.0.attn_output": (WIDTH, WIDTH),
        "blk.0.ffn_gate": (INNER, WIDTH),
        "blk.0.ffn_up": (INNER, WIDTH),
        "blk.0.ffn_down": (WIDTH, INNER),
    }
    found = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    found |= dict.fromkeys(("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"), np.ones(WIDTH))
    return {f"{name}.weight": values.astype(np.float32) for name, values in found.items()}


def write(path: Path, seed: int = 0) -> None:
    """Write the file; matrices are rounded to 4 bits, vectors are kept."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(TOKENS))
    add_tokenizer(writer)
    for name, values in tensors(seed).items():
        if values.ndim == 2:
            writer.add_tensor(name, quantize(values, FOUR_BITS), raw_dtype=FOUR_BITS)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tokenizer(writer: gguf.GGUFWriter) -> None:
    """Byte-pair encoding with one merge, and a chat template."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3 if token in SPECIAL else 1 for token in TOKENS])
    writer.add_token_merges(["i n"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
