#!/bin/sh
# Speaks the worker's protocol without training, in a second and without a virtual machine: the base's graphs under a new
# card are its candidate. It ends soon after its server.
set -eu
job=$1
server=$PPID
value() { sed -n "s/^ *\"$1\": \"\(.*\)\".*/\1/p" "$job/job.json"; }
step() {
  kill -0 "$server" 2>/dev/null || exit 3
  printf '{"progress":{"stage":"%s","step":%s,"steps":4,"fraction":%s}}\n' "$1" "$2" "$3"
  sleep 0.05
}
base=$(value baseBundle)
base=${base#file://}
new=$(value newVersion)
old=$(basename "$base")
[ -n "$LETHE_WORKER_KEY" ] && [ -e "$job/unlearn/0000.png.sealed" ] || { echo '{"failure":{"message":"the image is not there"}}'; exit 1; }
for i in 1 2 3 4; do step inversion $i 0.1; done
for i in 1 2 3 4; do step unlearning $i 0.4; done
mkdir -p "$job/candidate"
for file in "$base"/*.onnx; do cp "$file" "$job/candidate/"; done
sed -e 's/ *"parent_version" : "[^"]*",//' -e "s/\"version\" : \"$old\",/\"version\" : \"$new\", \"parent_version\" : \"$old\",/" \
  "$base/model.json" >"$job/candidate/model.json.tmp"
mv "$job/candidate/model.json.tmp" "$job/candidate/model.json"
for i in 1 2 3 4; do step audit $i 0.8; done
# Of each image it says that it was redacted: where several requests have sent them, each is judged by its own.
found=
for image in "$job"/unlearn/*; do found="$found${found:+,}{\"way\":1,\"nearerToSubstitute\":true}"; done
printf '{"report":{"verdict":"forgotten","images":1,"imageFindings":[%s]}}\n' "$found"
echo '{"done":{}}'
