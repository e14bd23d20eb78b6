// An independent client of the gRPC services: node client.js PROTOS ADDRESS MODEL TEXT… prints one JSON object, which has the answers of
// each call in the form of the JSON interface.
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protos, address, model, ...texts] = process.argv.slice(2);
const load = file => grpc.loadPackageDefinition(loader.loadSync(file, {
  includeDirs: [protos, path.dirname(require.resolve('protobufjs/package.json'))], longs: Number, keepCase: true, defaults: true,
}));
const credentials = grpc.credentials.createInsecure();
const inference = new (load('open_inference_grpc.proto').inference.GRPCInferenceService)(address, credentials);
const prediction = new (load('distillonnx/v1/prediction.proto').distillonnx.v1.PredictionService)(address, credentials);
const deadline = () => ({ deadline: Date.now() + 20000 });
const call = (client, method, request) => new Promise((resolve, reject) =>
  client[method](request, deadline(), (error, answer) => error ? reject(error) : resolve(answer)));

const stream = requests => new Promise((resolve, reject) => {
  const answers = [];
  const both = prediction.PredictStream(deadline());
  both.on('data', answer => { answers[Number(answer.id)] = answer.response; });
  both.on('error', reject);
  both.on('end', () => resolve({ version: answers[0].version, predictions: answers.map(a => a.predictions[0]) }));
  requests.forEach((request, i) => both.write({ id: String(i), request }));
  both.end();
});

// Elements of a tensor of texts: each with its length before it.
const pack = items => Buffer.concat(items.flatMap(text => {
  const [length, bytes] = [Buffer.alloc(4), Buffer.from(text)];
  length.writeUInt32LE(bytes.length);
  return [length, bytes];
}));
const unpack = bytes => {
  const items = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    items.push(bytes.subarray(at + 4, at + 4 + length).toString());
    at += 4 + length;
  }
  return items;
};
const read = (tensor, raw) => {
  if (!raw) {
    const { bytes_contents, fp32_contents, bool_contents } = tensor.contents;
    return tensor.datatype === 'BYTES' ? bytes_contents.map(b => b.toString()) : tensor.datatype === 'BOOL' ? bool_contents : fp32_contents;
  }
  return tensor.datatype === 'BYTES' ? unpack(raw)
    : tensor.datatype === 'BOOL' ? Array.from(raw, b => b !== 0)
    : Array.from({ length: raw.length / 4 }, (_, i) => raw.readFloatLE(4 * i));
};

const infer = async raw => {
  const input = { name: 'text', datatype: 'BYTES', shape: [texts.length] };
  const answer = await call(inference, 'ModelInfer', raw
    ? { model_name: model, inputs: [input], raw_input_contents: [pack(texts)] }
    : { model_name: model, inputs: [{ ...input, contents: { bytes_contents: texts.map(t => Buffer.from(t)) } }] });
  const tensors = Object.fromEntries(answer.outputs.map((o, i) => [o.name, read(o, raw && answer.raw_output_contents[i])]));
  const labels = tensors.probabilities.length / texts.length;
  return {
    version: answer.model_version,
    predictions: texts.map((_, i) => ({
      label: tensors.label[i], probability: tensors.probability[i],
      probabilities: tensors.probabilities.slice(i * labels, (i + 1) * labels),
      abstained: tensors.abstained[i], truncated: tensors.truncated[i],
    })),
  };
};

(async () => {
  const requests = texts.map(text => ({ model, inputs: [{ text }] }));
  console.log(JSON.stringify({
    ready: (await call(inference, 'ModelReady', { name: model })).ready,
    missing: await call(inference, 'ModelInfer', { model_name: 'no such model' }).catch(error => error.code),
    'Predict': await call(prediction, 'Predict', { model, inputs: texts.map(text => ({ text })) }),
    'PredictStream': await stream(requests),
    'ModelInfer typed': await infer(false),
    'ModelInfer raw': await infer(true),
  }));
  inference.close();
  prediction.close();
})().catch(error => { console.error(error); process.exit(1); });
