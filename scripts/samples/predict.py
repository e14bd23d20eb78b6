#!/usr/bin/env python3
"""Labels texts over KServe v2's REST interface, with Python's standard library alone:

    python3 scripts/samples/predict.py http://127.0.0.1:5080 scenes 'Nora draws a red pear in the forest at noon. Does Nora draw a fruit outdoors?'

Prints one JSON object a text: label, probability, probabilities in the order of the task's labels, abstained.
DISTILLONNX_API_KEY holds the key, where the server asks for one. Exit codes: 0 done, 1 the service failed, 2 bad arguments or input.

For gRPC, compile protos/distillonnx/v1/prediction.proto with grpcio-tools; the page of DistillOnnx.Client says how.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

SECONDS = 5


def call(url, body=None):
    """The answer to a request: a GET without a body, else a POST of JSON."""
    headers = {"content-type": "application/json", "grpc-timeout": f"{SECONDS}S"}
    if key := os.environ.get("DISTILLONNX_API_KEY"):
        headers["x-api-key"] = key
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=SECONDS + 1) as answer:
        return json.load(answer)


def predict(address, model, texts):
    """Labels texts: a dictionary for each."""
    url = f"{address}/v2/models/{urllib.parse.quote(model, safe='')}"
    answer = call(url + "/infer", {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": texts}]})
    tensors = {output["name"]: output for output in answer["outputs"]}
    for i in range(len(texts)):
        result = {"label": tensors["label"]["data"][i]}
        if "probabilities" in tensors:
            width = tensors["probabilities"]["shape"][1]
            result["probability"] = tensors["probability"]["data"][i]
            result["probabilities"] = tensors["probabilities"]["data"][i * width:(i + 1) * width]
        result["abstained"] = tensors["abstained"]["data"][i]
        yield result


def main(arguments):
    if len(arguments) < 3:
        print("expected ADDRESS MODEL TEXT...", file=sys.stderr)
        return 2
    address, model, *texts = arguments
    try:
        for result in predict(address.rstrip("/"), model, texts):
            print(json.dumps(result, ensure_ascii=False))
        return 0
    except urllib.error.HTTPError as error:
        print(f"{error.code}: {json.load(error)['error']}", file=sys.stderr)
        return 2 if error.code in (400, 404) else 1
    except OSError as error:
        print(f"{address}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
