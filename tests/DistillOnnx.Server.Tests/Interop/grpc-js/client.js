// An independent client of the Open Inference Protocol: node client.js PROTO ADDRESS MODEL TEXT… prints one JSON object.
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [proto, address, model, ...texts] = process.argv.slice(2);
const { inference } = grpc.loadPackageDefinition(loader.loadSync(proto, { longs: Number, keepCase: true }));
const client = new inference.GRPCInferenceService(address, grpc.credentials.createInsecure());
const call = (method, request) => new Promise((resolve, reject) =>
  client[method](request, { deadline: Date.now() + 20000 }, (error, answer) => error ? reject(error) : resolve(answer)));

(async () => {
  const ready = await call('ModelReady', { name: model });
  const answer = await call('ModelInfer', {
    model_name: model,
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [texts.length], contents: { bytes_contents: texts.map(t => Buffer.from(t)) } }],
  });
  const tensor = name => answer.outputs.find(o => o.name === name);
  const missing = await call('ModelInfer', { model_name: 'no such model' }).catch(error => error.code);
  console.log(JSON.stringify({
    ready: ready.ready,
    labels: tensor('label').contents.bytes_contents.map(b => b.toString()),
    probabilities: tensor('probabilities').contents.fp32_contents,
    shape: tensor('probabilities').shape,
    missing,
  }));
  client.close();
})().catch(error => { console.error(error); process.exit(1); });
