#!/usr/bin/env python3
"""Loads checkpoints in the installed transformers and compares what it computes with what expected.json beside them says.

    python check_saves.py CHECKPOINT...

Each directory holds a checkpoint and expected.json in the form of make_fixtures.py. Checked are: no weight is missing, left over or
made up; no warning says so; logits within 1e-4 of the largest; greedy ids; token ids where there are texts. One line of JSON for each
directory; exit code 1 where one failed.
"""
import json
import logging
import os
import sys

import torch
import transformers

MAJOR = int(transformers.__version__.split(".")[0])
TOLERANCE = 1e-4
ALARMS = ("newly initialized", "not initialized", "not used when", "missing", "unexpected", "mismatch")


class Collector(logging.Handler):
    """Keeps what transformers warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def until_end(ids, ends):
    for i, token in enumerate(ids):
        if token in ends:
            return ids[:i + 1]
    return ids


def check(directory):
    with open(os.path.join(directory, "expected.json")) as file:
        expected = json.load(file)
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    faults, notes = [], []
    collector = Collector()
    logger = logging.getLogger("transformers")
    logger.addHandler(collector)
    try:
        model_class = getattr(transformers, config["architectures"][0])
        model, info = model_class.from_pretrained(
            directory, output_loading_info=True, **{"torch_dtype" if MAJOR == 4 else "dtype": torch.float32})
    finally:
        logger.removeHandler(collector)
    info = info if isinstance(info, dict) else vars(info)
    for kind, found in info.items():
        if found:
            faults.append(f"{kind}: {sorted(map(str, found))}")
    faults += [m for m in collector.messages if any(a in m.lower() for a in ALARMS)]
    notes += [m for m in collector.messages if m not in faults]

    model.eval()
    inputs = {k: torch.tensor(expected[k]) for k in ("input_ids", "attention_mask", "decoder_input_ids")}
    with torch.no_grad():
        logits = model(**inputs).logits
        decoded = model.generate(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], do_sample=False, num_beams=1,
            max_new_tokens=expected["max_new_tokens"])
    wanted = torch.tensor(expected["logits"])
    error = relative(logits, wanted)
    if not error <= TOLERANCE:
        # transformers 5 scales every umT5 and no mT5, whatever its files say; neither changes which token is the largest.
        factor = config["d_model"] ** (0.5 if config["model_type"] == "umt5" else -0.5)
        if MAJOR >= 5 and config["model_type"] in ("mt5", "umt5") and relative(logits * factor, wanted) <= TOLERANCE:
            notes.append(f"logits are {1 / factor:g} times the expected, as transformers 5 has them of every {config['model_type']}")
            error = relative(logits * factor, wanted)
        else:
            faults.append(f"logits differ by {error:.3g} of the largest; ratio {float((logits / wanted).median()):.6g}")
    ends = config.get("eos_token_id", 1)
    ends = ends if isinstance(ends, list) else [ends]
    greedy = [until_end(row[1:], ends) for row in decoded.tolist()]
    if greedy != expected["greedy"]:
        faults.append(f"greedy ids {greedy}, expected {expected['greedy']}")
    if "texts" in expected:
        tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        for text, ids in zip(expected["texts"], expected["text_ids"]):
            found = tokenizer(text).input_ids
            if found != ids:
                faults.append(f"{type(tokenizer).__name__}: {text!r} has ids {found}, expected {ids}")
    return {
        "checkpoint": directory, "transformers": transformers.__version__, "torch": torch.__version__, "class": type(model).__name__,
        "logits_error": error, "faults": faults, "notes": notes,
    }


def check_or_say_why(directory):
    try:
        return check(directory)
    except Exception as e:  # One that cannot be loaded is a fault of that one.
        return {"checkpoint": directory, "transformers": transformers.__version__, "faults": [f"{type(e).__name__}: {e}"]}


def relative(found, wanted):
    return float((found - wanted).abs().max() / wanted.abs().max())


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    results = [check_or_say_why(d) for d in sys.argv[1:]]
    for result in results:
        print(json.dumps(result))
    sys.exit(any(r["faults"] for r in results))
