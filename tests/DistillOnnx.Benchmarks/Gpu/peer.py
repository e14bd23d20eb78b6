"""Trains transformers' T5 on random tokens of given lengths and prints useful tokens a second as JSON.

usage: peer.py INPUT.json   (what Peer.cs writes: device, seconds, rows of a step, seconds to compile in, config, lengths as pairs of
source and target)
"""
import json
import signal
import sys
import time

import torch
from transformers import T5Config, T5ForConditionalGeneration

given = json.load(open(sys.argv[1]))
device = torch.device(given["device"])
torch.manual_seed(1)


def model():
    made = T5ForConditionalGeneration(T5Config(**given["config"], dropout_rate=0.1, decoder_start_token_id=0)).to(device).train()
    return made, torch.optim.AdamW(made.parameters(), lr=1e-4, fused=device.type == "cuda")


def batch(rows, source, target):
    ids = torch.full((len(rows), source), 0)
    mask = torch.zeros_like(ids)
    labels = torch.full((len(rows), target), -100)
    for i, (s, t) in enumerate(rows):
        ids[i, :s] = torch.randint(2, given["config"]["vocab_size"], (s,))
        mask[i, :s] = 1
        labels[i, :t] = torch.randint(2, given["config"]["vocab_size"], (t,))
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def rate(batches, compiled):
    made, optimizer = model()
    run = torch.compile(made) if compiled else made
    useful = [int(b["attention_mask"].sum() + (b["labels"] != -100).sum()) for b in batches]
    tokens, start, warm = 0, None, 8
    step = 0
    while start is None or time.perf_counter() - start < given["seconds"]:
        if step == warm:
            if device.type == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
        at = step % len(batches)
        moved = {k: v.to(device, non_blocking=True) for k, v in batches[at].items()}
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = run(**moved).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if start is not None:
            tokens += useful[at]
        step += 1
    if device.type == "cuda":
        torch.cuda.synchronize()
    return tokens / (time.perf_counter() - start)


# A row's two sequences, to predict and to explain, are passes of their own: rows of either kind together.
size = 2 * given["rows"]
lengths = given["lengths"]
steps = [lengths[i:i + size] for i in range(0, len(lengths) - size + 1, size)]
changing = [batch(rows, max(s for s, _ in rows), max(t for _, t in rows)) for rows in steps]
source, target = max(s for s, _ in lengths), max(t for _, t in lengths)
repeating = [batch(rows, -(-source // 16) * 16, -(-target // 16) * 16) for rows in steps]
found = {"changing": rate(changing, False), "repeating": rate(repeating, False), "compiled": None}


def late(*_):
    raise TimeoutError


if device.type == "cuda":
    signal.signal(signal.SIGALRM, late)
    signal.alarm(given["compiling"])
    try:
        found["compiled"] = rate(repeating, True)
    except TimeoutError:
        pass
print(json.dumps(found))
