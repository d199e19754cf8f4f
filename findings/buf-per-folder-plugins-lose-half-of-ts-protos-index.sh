#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# @bufbuild/buf 1.74.0, ts-proto 2.18.0, Node.js 20.20.
#
# buf calls a local plugin once for each folder of .proto files, as its default. ts-proto with outputIndex=true writes
# an index.ts at each call. As soon as a second package comes (a health service beside one's own messages, say), two
# calls write the same file: buf keeps the first, leaves the second out and ends with 0. The index then exports one of
# the two packages, and nothing fails before somebody imports the other from it. `strategy: all` for the plugin makes it
# one call.
#
# Seen:
#   directory: exit 0, index.ts exports one
#   all: exit 0, index.ts exports one two
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @bufbuild/buf@1.74.0 ts-proto@2.18.0

mkdir -p proto/one/v1 proto/two/v1
printf 'syntax = "proto3";\npackage one.v1;\nmessage First {\n  string name = 1;\n}\n' >proto/one/v1/first.proto
printf 'syntax = "proto3";\npackage two.v1;\nmessage Second {\n  string name = 1;\n}\n' >proto/two/v1/second.proto
printf 'version: v2\nmodules:\n  - path: proto\n' >buf.yaml

for strategy in directory all; do
  cat >buf.gen.yaml <<YAML
version: v2
plugins:
  - local: node_modules/.bin/protoc-gen-ts_proto
    out: $strategy
    opt: [outputIndex=true]
    strategy: $strategy
YAML
  status=0
  node_modules/.bin/buf generate 2>"$strategy.err" || status=$?
  names=$(sed -n 's/^export \* as \([a-z]*\) from.*/\1/p' "$strategy/index.ts" | xargs)
  echo "$strategy: exit $status, index.ts exports $names"
done >seen
cat seen
diff seen - <<'EXPECTED'
directory: exit 0, index.ts exports one
all: exit 0, index.ts exports one two
EXPECTED
grep -q 'drop the second occurrence' directory.err
