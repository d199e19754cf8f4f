#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ts-proto 2.18.0 (and @bufbuild/buf 1.74.0, @bufbuild/protobuf 2.17.0), Node.js 20.20.
#
# Two valid encodings that ts-proto never writes itself, and reads as less than they say, without an error:
# - An encoder may leave out a map entry's value that is the default; encoders in other languages do. Of a scalar
#   ts-proto then takes the default; of a message the whole entry is gone, its key with it.
# - A singular message field may come in pieces, which are to be merged (that is why two encoded messages may be appended
#   to one another): ts-proto keeps the last piece. The decoder of @bufbuild/protobuf 2.17.0 reads both as meant.
# A round trip through ts-proto alone shows neither.
#
# Seen:
#   map<string, int32> without value: ts-proto {"a":0}, protobuf-es {"a":0}
#   map<string, Size> without value: ts-proto {}, protobuf-es {"a":{"x":0,"y":0}}
#   Size in two pieces: ts-proto {"x":0,"y":2}, protobuf-es {"x":1,"y":2}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ts-proto@2.18.0 @bufbuild/buf@1.74.0 @bufbuild/protobuf@2.17.0 \
  @bufbuild/protoc-gen-es@2.17.0 esbuild@0.28.2
mkdir proto
cat >proto/box.proto <<'PROTO'
syntax = "proto3";
package box;
message Size { int32 x = 1; int32 y = 2; }
message Box { map<string, int32> counts = 1; map<string, Size> sizes = 2; Size size = 3; }
PROTO
printf 'version: v2\nmodules:\n  - path: proto\n' >buf.yaml
cat >buf.gen.yaml <<'YAML'
version: v2
plugins:
  - local: node_modules/.bin/protoc-gen-ts_proto
    out: ts-proto
    opt: [esModuleInterop=true]
  - local: node_modules/.bin/protoc-gen-es
    out: protobuf-es
    opt: [target=ts]
YAML
node_modules/.bin/buf generate
cat >probe.ts <<'TS'
import { fromBinary } from '@bufbuild/protobuf';
import { Box } from './ts-proto/box';
import { BoxSchema } from './protobuf-es/box_pb';
const plain = (value: unknown) => JSON.stringify(value, (key, inner) => (key === '$typeName' ? undefined : inner));
function compare(name: string, field: 'counts' | 'sizes' | 'size', hex: string) {
  const wire = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const [ours, theirs] = [Box.decode(wire)[field], fromBinary(BoxSchema, wire)[field]];
  console.log(`${name}: ts-proto ${plain(ours)}, protobuf-es ${plain(theirs)}`);
}
compare('map<string, int32> without value', 'counts', '0a 03 0a 01 61');
compare('map<string, Size> without value', 'sizes', '12 03 0a 01 61');
compare('Size in two pieces', 'size', '1a 02 08 01  1a 02 10 02');
TS
node_modules/.bin/esbuild probe.ts --bundle --platform=node --log-level=error --outfile=probe.js
seen=$(node probe.js)
echo "$seen"
test "$seen" = 'map<string, int32> without value: ts-proto {"a":0}, protobuf-es {"a":0}
map<string, Size> without value: ts-proto {}, protobuf-es {"a":{"x":0,"y":0}}
Size in two pieces: ts-proto {"x":0,"y":2}, protobuf-es {"x":1,"y":2}'
