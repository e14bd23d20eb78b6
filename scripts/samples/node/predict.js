// Labels texts over gRPC from Node:
//
//   npm install --ignore-scripts --prefix scripts/samples/node
//   node scripts/samples/node/predict.js 127.0.0.1:5080 scenes 'Nora draws a red pear in the forest at noon. Does Nora draw a fruit outdoors?'
//
// Prints one JSON object a text: label, probability, probabilities by label, abstained. DISTILLONNX_API_KEY holds the key, where
// the server asks for one. PROTOS names the folder of the proto files, where this file was copied elsewhere.
// Exit codes: 0 done, 1 the service failed, 2 bad arguments or input.

const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [address, model, ...texts] = process.argv.slice(2);
if (texts.length === 0) {
  console.error('expected ADDRESS MODEL TEXT...');
  process.exit(2);
}

// protobufjs, which the loader brings, has Google's own files that the proto file imports.
const protos = process.env.PROTOS ?? path.join(__dirname, '../../../protos');
const includeDirs = [protos, path.dirname(require.resolve('protobufjs/package.json'))];
const definition = loader.loadSync('distillonnx/v1/prediction.proto', { includeDirs, keepCase: true, defaults: true });
const { PredictionService } = grpc.loadPackageDefinition(definition).distillonnx.v1;
const client = new PredictionService(address, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
if (process.env.DISTILLONNX_API_KEY) metadata.set('x-api-key', process.env.DISTILLONNX_API_KEY);

const request = { model, inputs: texts.map(text => ({ text })) };
client.Predict(request, metadata, { deadline: Date.now() + 5000 }, (error, answer) => {
  client.close();
  if (error) {
    console.error(`${grpc.status[error.code]}: ${error.details}`);
    process.exit([grpc.status.INVALID_ARGUMENT, grpc.status.NOT_FOUND].includes(error.code) ? 2 : 1);
  }

  for (const prediction of answer.predictions) {
    const probabilities = Object.fromEntries(prediction.labels.map((label, i) => [label, prediction.probabilities[i]]));
    console.log(JSON.stringify({
      label: prediction.label, probability: prediction.probability, probabilities, abstained: prediction.abstained,
    }));
  }
});
