#!/usr/bin/env python3
"""Writes tiny checkpoints with save_pretrained of the installed transformers, each with expected.json: what that transformers computes
with them. The C# tests TransformersFixtureTests and TransformersGraphTests hold DistillOnnx to these numbers.

    python make_fixtures.py fixtures

writes fixtures/4/* or fixtures/5/*, by the major version of transformers. Needs transformers, torch and sentencepiece; nothing is
downloaded. Weights come from Python's own generator, so that they do not depend on the version of torch. expected.json of each
fixture says which versions it was made with.
"""
import json
import os
import platform
import random
import shutil
import struct
import sys

import torch
import transformers
from transformers import AutoTokenizer, ByT5Tokenizer, T5Tokenizer

MAJOR = int(transformers.__version__.split(".")[0])
TEXTS = ["yes", "it is not and may be", "the {x} is 4, not a <ORG>", "a  b "]
MAX_NEW_TOKENS = 8

SMALL = dict(d_model=12, d_kv=5, d_ff=20, num_layers=2, num_decoder_layers=1, num_heads=3, relative_attention_num_buckets=8,
             relative_attention_max_distance=20, decoder_start_token_id=0)
GATED = dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False)

# Name: (model type, keys of the configuration, tokenizer, how it is saved). A head of its own is one that the configuration unties,
# or, in transformers 5, whose configurations always tie, one whose weights are another matrix.
FORMS = {
    "t5-v1.0": ("t5", dict(vocab_size=212), "slow", {}),
    "t5-v1.1": ("t5", dict(vocab_size=112, **GATED), None, {}),
    "t5-v1.1-sharded": ("t5", dict(vocab_size=112, **GATED), None, dict(max_shard_size="12KB")),
    "t5-v1.0-bf16": ("t5", dict(vocab_size=112), None, dict(dtype=torch.bfloat16)),
    "t5-v1.1-fp16": ("t5", dict(vocab_size=112, **GATED), None, dict(dtype=torch.float16)),
    "t5-added-tokens": ("t5", dict(vocab_size=216), "added", {}),
    "mt5": ("mt5", dict(vocab_size=112, **GATED), "no extra ids", {}),
    "mt5-tied": ("mt5", dict(vocab_size=112, feed_forward_proj="gated-gelu", tie_word_embeddings=True), None, {}),
    "umt5": ("umt5", dict(vocab_size=112, **GATED), None, {}),
    "umt5-tied": ("umt5", dict(vocab_size=112, feed_forward_proj="gated-gelu", tie_word_embeddings=True), None, {}),
    "byt5": ("t5", dict(vocab_size=384, **GATED, num_decoder_layers=2), "bytes", {}),
}
if MAJOR == 4:
    FORMS["t5-v1.1-pickle"] = ("t5", dict(vocab_size=112, **GATED), None, dict(safe_serialization=False))
else:
    FORMS["t5-scaled-head"] = ("t5", dict(vocab_size=112), None, dict(own_head=True))


def pieces():
    """Texts, scores and SentencePiece's types of a Unigram model of a few words and letters, laid out as T5's."""
    words = ["▁the", "▁yes", "▁no", "▁may", "be", "▁be", "ing", "▁it", "▁is", "▁not", "▁and", "▁predict", "▁a"]
    special = [("<pad>", 0, 3), ("</s>", 0, 3), ("<unk>", 0, 2), ("▁", -2, 1)]
    letters = [(chr(c), -6 - 0.01 * c, 1) for c in range(ord("!"), ord("~") + 1)]
    return special + [(w, -3 - 0.1 * i, 1) for i, w in enumerate(words)] + letters


def spiece_model():
    """The pieces as SentencePiece's file."""
    def varint(value):
        out = b""
        while value >= 0x80:
            out += bytes([value & 0x7F | 0x80])
            value >>= 7
        return out + bytes([value])

    def number(field, value):
        return varint(field << 3) + varint(value & 0xFFFFFFFFFFFFFFFF)

    def text(field, value):
        return varint(field << 3 | 2) + varint(len(value)) + value

    def piece(name, score, kind):
        return text(1, text(1, name.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score) + (b"" if kind == 1 else number(3, kind)))

    trainer = number(3, 1) + number(40, 2) + number(41, -1) + number(42, 1) + number(43, 0)
    normalizer = text(1, b"identity") + number(3, 1) + number(4, 1) + number(5, 1)
    return b"".join(piece(*p) for p in pieces()) + text(2, trainer) + text(3, normalizer)


def make_tokenizer(kind, directory):
    if kind == "bytes":
        return ByT5Tokenizer()
    options = dict(extra_ids=0) if kind == "no extra ids" else {}
    if MAJOR >= 5:
        # Versions of transformers 5 fail on a SentencePiece file without a table of normalization.
        options["extra_ids"] = options.get("extra_ids", 100)
        vocabulary = [(text, score) for text, score, _ in pieces()]
        vocabulary += [(f"<extra_id_{i}>", 0) for i in reversed(range(options["extra_ids"]))]
        tokenizer = T5Tokenizer(vocab=vocabulary, **options)
    else:
        with open(os.path.join(directory, "spiece.model"), "wb") as file:
            file.write(spiece_model())
        tokenizer = AutoTokenizer.from_pretrained(directory, use_fast=kind != "slow", **options)
        os.remove(os.path.join(directory, "spiece.model"))
    if kind == "added":
        tokenizer.add_tokens(["<ORG>", "{"])
    return tokenizer


def fill(model, seed):
    """Weights of the size that T5 initialises, norms and relative biases moved away from where they start."""
    source = random.Random(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            mean, deviation = 0, parameter.shape[-1] ** -0.5
            if "layer_norm" in name:
                mean, deviation = 1, 0.3
            elif "relative_attention_bias" in name or name in ("shared.weight", "lm_head.weight"):
                deviation = 1
            values = [source.gauss(mean, deviation) for _ in range(parameter.numel())]
            parameter.copy_(torch.tensor(values).view(parameter.shape))


def main(out):
    target = os.path.join(out, str(MAJOR))
    shutil.rmtree(target, ignore_errors=True)
    for seed, (name, (model_type, keys, tokenizer, save)) in enumerate(FORMS.items()):
        directory = os.path.join(target, name)
        os.makedirs(directory)
        save = dict(save)
        dtype, own = save.pop("dtype", None), save.pop("own_head", False)
        prefix = {"t5": "T5", "mt5": "MT5", "umt5": "UMT5"}[model_type]
        config = getattr(transformers, prefix + "Config")(**{**SMALL, **keys})
        model_class = getattr(transformers, prefix + "ForConditionalGeneration")
        model = model_class(config)
        if MAJOR >= 5 and (own or keys.get("tie_word_embeddings") is False):
            model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
        fill(model, 100 + seed)
        if dtype is not None:
            model = model.to(dtype)
        expected = {
            "transformers": transformers.__version__, "torch": torch.__version__.split("+")[0], "python": platform.python_version(),
        }
        model.save_pretrained(directory, **save)
        if tokenizer is not None:
            made = make_tokenizer(tokenizer, directory)
            made.save_pretrained(directory)
            expected["texts"] = TEXTS
            expected["text_ids"] = [made(text).input_ids for text in TEXTS]

        # What was saved is measured, not what was made: loading is part of what a checkpoint means.
        loaded = model_class.from_pretrained(directory, **{"torch_dtype" if MAJOR == 4 else "dtype": torch.float32}).eval()
        source = random.Random(seed)
        rows = [[source.randrange(2, config.vocab_size) for _ in range(length)] + [1] for length in (29, 11)]
        width = max(map(len, rows))
        expected["input_ids"] = [row + [0] * (width - len(row)) for row in rows]
        expected["attention_mask"] = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
        expected["decoder_input_ids"] = [[0] + [source.randrange(2, config.vocab_size) for _ in range(3)] for _ in rows]
        inputs = {k: torch.tensor(expected[k]) for k in ("input_ids", "attention_mask", "decoder_input_ids")}
        with torch.no_grad():
            logits = loaded(**inputs).logits
            decoded = loaded.generate(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], do_sample=False, num_beams=1,
                max_new_tokens=MAX_NEW_TOKENS)
        expected["logits"] = [[[float(f"{v:.6g}") for v in position] for position in row] for row in logits.tolist()]
        expected["max_new_tokens"] = MAX_NEW_TOKENS
        expected["greedy"] = [until_end(row[1:], 1) for row in decoded.tolist()]
        expected["state_dict"] = sorted(loaded.state_dict())
        with open(os.path.join(directory, "expected.json"), "w") as file:
            json.dump(expected, file, separators=(",", ":"))
            file.write("\n")
        print(name, "saved")


def until_end(ids, end):
    return ids[:ids.index(end) + 1] if end in ids else ids


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
