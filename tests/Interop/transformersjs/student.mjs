// Runs bundles under transformers.js, from local files only. Reads one JSON request a line and answers each with one line:
//   {"load": DIRECTORY, "dtype"?, "threads"?}                            -> {"ms"}
//   {"texts": [...] | "ids": [[...]], "maxNewTokens", "minNewTokens"?, "beams"?}   -> {"ids": [[...]], "texts": [...], "ms"}
//   {"encode": [[...]]}                                                  -> {"ms"}
//   {"tokenizer": DIRECTORY}                                             -> {"ms"}
//   {"tokenize": [...]}                                                  -> {"ids": [[...]]}
import { createInterface } from "node:readline";
import { basename, dirname } from "node:path";
import { AutoModelForSeq2SeqLM, AutoTokenizer, Tensor, env } from "@huggingface/transformers";

env.allowRemoteModels = false;
env.allowLocalModels = true;

let tokenizer, model;

function batch(rows) {
  const length = Math.max(...rows.map((r) => r.length));
  const pad = (row, value) => [...row, ...Array(length - row.length).fill(value)];
  const tensor = (values) => new Tensor("int64", BigInt64Array.from(values.flat(), BigInt), [rows.length, length]);
  return {
    input_ids: tensor(rows.map((r) => pad(r, 0))),
    attention_mask: tensor(rows.map((r) => pad(r.map(() => 1), 0))),
  };
}

async function loadTokenizer(directory) {
  env.localModelPath = dirname(directory) + "/";
  tokenizer = await AutoTokenizer.from_pretrained(basename(directory), { local_files_only: true });
}

async function answer(request) {
  const start = performance.now();
  if (request.load) {
    await loadTokenizer(request.load);
    model = await AutoModelForSeq2SeqLM.from_pretrained(basename(request.load), {
      local_files_only: true,
      dtype: request.dtype ?? "fp32",
      session_options: request.threads ? { intraOpNumThreads: request.threads, interOpNumThreads: 1 } : {},
    });
    return { ms: performance.now() - start };
  }

  if (request.tokenizer) {
    await loadTokenizer(request.tokenizer);
    return { ms: performance.now() - start };
  }

  if (request.tokenize) return { ids: request.tokenize.map((text) => tokenizer.encode(text)) };

  if (request.encode) {
    const inputs = batch(request.encode);
    const session = model.sessions.model;
    await session.run({ input_ids: inputs.input_ids.ort_tensor, attention_mask: inputs.attention_mask.ort_tensor });
    return { ms: performance.now() - start };
  }

  const inputs = request.ids ? batch(request.ids) : tokenizer(request.texts, { padding: true });
  const began = performance.now();
  const output = await model.generate({
    ...inputs,
    max_new_tokens: request.maxNewTokens,
    min_new_tokens: request.minNewTokens ?? 0,
    num_beams: request.beams ?? 1,
    do_sample: false,
  });
  const ms = performance.now() - began;
  return {
    ms,
    ids: output.tolist().map((row) => row.slice(1).map(Number)), // without the start token
    texts: tokenizer.batch_decode(output, { skip_special_tokens: true }),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    reply = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
}
