#!/usr/bin/env bash
# Labels one text with curl, first as JSON and then over KServe v2's REST interface; prints both answers, one a line:
#
#   scripts/samples/predict.sh http://127.0.0.1:5080 scenes 'Nora draws a red pear in the forest at noon. Does Nora draw a fruit outdoors?'
#
# DISTILLONNX_API_KEY holds the key, where the server asks for one. Exit codes: 0 done, 2 bad arguments, else what curl ended with.
set -euo pipefail
if [ $# -ne 3 ]; then
    echo "expected ADDRESS MODEL TEXT" >&2
    exit 2
fi
address=${1%/} model=$2

# A text as a JSON string.
text=$3 text=${text//\\/\\\\} text=${text//\"/\\\"}
for code in {1..31}; do
    printf -v control "\\x$(printf %02x "$code")"
    printf -v escape '\\u%04x' "$code"
    text=${text//"$control"/"$escape"}
done

post() {
    curl --silent --show-error --fail-with-body --max-time 10 "$address$1" --data-binary "$2" \
        -H 'content-type: application/json' -H 'grpc-timeout: 5S' ${DISTILLONNX_API_KEY:+-H "x-api-key: $DISTILLONNX_API_KEY"}
    echo
}

post "/v1/models/$model:predict" "{\"inputs\": [\"$text\"]}"
post "/v2/models/$model/infer" \
    "{\"inputs\": [{\"name\": \"text\", \"datatype\": \"BYTES\", \"shape\": [1], \"data\": [\"$text\"]}], \"outputs\": [{\"name\": \"label\"}, {\"name\": \"probability\"}, {\"name\": \"abstained\"}]}"
