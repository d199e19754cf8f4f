#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ts-proto 2.18.0 with unrecognizedEnum=false (and @bufbuild/buf 1.74.0, @bufbuild/protobuf 2.17.0), Node.js 20.20.
#
# An enum value that a newer peer has added passes decode() and encode() unharmed, as the open enums of proto3 ask for,
# but toJSON() of the same message throws a plain Error, and fromJSON(toJSON(x)) is therefore no identity on what came
# over the wire. Whoever stores or logs messages as JSON is broken by the first newer peer, long after decoding, where
# nobody looks for bad input. (With unrecognizedEnum=true it is UNRECOGNIZED, and the number is lost in JSON.)
#
# Seen: decoded 9; encoded again to the same bytes; toJSON: Unrecognized enum value 9 for enum Colour
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ts-proto@2.18.0 @bufbuild/buf@1.74.0 @bufbuild/protobuf@2.17.0 esbuild@0.28.2
mkdir proto
cat >proto/paint.proto <<'PROTO'
syntax = "proto3";
package paint;
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; }
message Pot { Colour colour = 1; }
PROTO
printf 'version: v2\nmodules:\n  - path: proto\n' >buf.yaml
cat >buf.gen.yaml <<'YAML'
version: v2
plugins:
  - local: node_modules/.bin/protoc-gen-ts_proto
    out: generated
    opt: [unrecognizedEnum=false, esModuleInterop=true]
YAML
node_modules/.bin/buf generate
cat >probe.ts <<'TS'
import { Pot } from './generated/paint';
const wire = Uint8Array.of(0x08, 0x09);
const pot = Pot.decode(wire);
console.log(`decoded ${pot.colour}`);
const again = Pot.encode(pot).finish();
console.log(`encoded again to ${Buffer.from(again).equals(wire) ? 'the same' : 'other'} bytes`);
try {
  console.log(JSON.stringify(Pot.toJSON(pot)));
} catch (error) {
  console.log(`toJSON: ${(error as Error).message}`);
}
TS
node_modules/.bin/esbuild probe.ts --bundle --platform=node --log-level=error --outfile=probe.js
seen=$(node probe.js)
echo "$seen"
test "$seen" = 'decoded 9
encoded again to the same bytes
toJSON: Unrecognized enum value 9 for enum Colour'
