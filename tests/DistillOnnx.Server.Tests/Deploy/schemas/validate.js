// Validates manifests against the schemas that a Kubernetes API server publishes: node validate.js FILE… prints a line for each fault, and
// one with the number of documents. A KServe runtime's containers are validated as a pod's.
const fs = require('node:fs');
const YAML = require('yaml');

let count = 0;
const validate = (apiVersion, kind, document, name) => {
  const model = require(`kubernetes-models/${apiVersion}`)[kind];
  if (!model) throw new Error(`no schema for ${apiVersion} ${kind}`);
  try {
    new model(document).validate();
    count++;
  } catch (error) {
    console.log(`${name}: ${error.message}`);
  }
};

for (const file of process.argv.slice(2)) {
  for (const document of YAML.parseAllDocuments(fs.readFileSync(file, 'utf8')).map(d => d.toJS())) {
    const name = `${file}: ${document.kind}`;
    if (!document.apiVersion.startsWith('serving.kserve.io/')) validate(document.apiVersion, document.kind, document, name);
    else if (document.spec.containers) {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod' }, spec: { containers: document.spec.containers } };
      validate('v1', 'Pod', pod, name);
    }
  }
}

console.log(`${count} documents are valid`);
