#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# @grpc/grpc-js 1.14.7, Node.js 20.20.
#
# The server counts what is left of a call's deadline in ms in a signed 32-bit number. A deadline more than 24.8 days
# away has passed before the handler begins: it sees a time in the past and the caller is told DEADLINE_EXCEEDED (4) by
# the server, at once. From 49.7 days on it wraps to a positive number again, and works with a deadline that is too
# soon. So "a month" as a way to say "no deadline" for a watch ends it at its first pause; the client's own timer is right,
# and peers in other languages send such values in hours.
#
# Seen, a stream that sends two messages 300 ms apart:
#   24 days: messages 2, status 0, the server sees a deadline in 24 days
#   25 days: messages 1, status 4, the server sees a deadline in -25 days
#   49 days: messages 1, status 4, the server sees a deadline in -1 days
#   60 days: messages 2, status 0, the server sees a deadline in 10 days
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
cat >probe.js <<'JS'
const grpc = require('@grpc/grpc-js');
const pass = (bytes) => bytes;
const dayMs = 24 * 60 * 60 * 1000;
const watch = { path: '/t.T/Watch', requestStream: false, responseStream: true, requestSerialize: pass, requestDeserialize: pass, responseSerialize: pass, responseDeserialize: pass };
const server = new grpc.Server();
let seen;
server.addService({ Watch: watch }, {
  Watch: (call) => {
    seen = Math.round((Number(call.getDeadline()) - Date.now()) / dayMs);
    call.write(Buffer.from('1'));
    setTimeout(() => {
      call.write(Buffer.from('2'));
      call.end();
    }, 300);
  },
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), async (error, port) => {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  for (const days of [24, 25, 49, 60]) {
    const deadline = Date.now() + days * dayMs;
    const call = client.makeServerStreamRequest('/t.T/Watch', pass, pass, Buffer.from('x'), new grpc.Metadata(), { deadline });
    let messages = 0;
    call.on('data', () => (messages += 1));
    call.on('error', () => undefined);
    const status = await new Promise((resolve) => call.once('status', resolve));
    console.log(`${days} days: messages ${messages}, status ${status.code}, the server sees a deadline in ${seen} days`);
  }
  process.exit(0);
});
JS
seen=$(node probe.js)
echo "$seen"
test "$seen" = '24 days: messages 2, status 0, the server sees a deadline in 24 days
25 days: messages 1, status 4, the server sees a deadline in -25 days
49 days: messages 1, status 4, the server sees a deadline in -1 days
60 days: messages 2, status 0, the server sees a deadline in 10 days'
