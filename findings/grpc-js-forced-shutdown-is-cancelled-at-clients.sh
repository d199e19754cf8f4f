#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# @grpc/grpc-js 1.14.7, Node.js 20.20.
#
# How a server ends decides what its clients are told, and it is the planned way that looks like the client's own wish:
# forceShutdown() of a server with an open stream ends it at the client as CANCELLED (1), the code for "the caller gave
# up", which retry policies leave alone; the same stream cut by kill -9 ends as UNAVAILABLE (14), which they repeat.
# So clients survive a crash of the server and not its restart, unless the server ends open calls itself first.
#
# Seen: forceShutdown: 1   kill -9: 14
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @grpc/grpc-js@1.14.7
cat >server.js <<'JS'
const grpc = require('@grpc/grpc-js');
const pass = (bytes) => bytes;
const watch = { path: '/t.T/Watch', requestStream: false, responseStream: true, requestSerialize: pass, requestDeserialize: pass, responseSerialize: pass, responseDeserialize: pass };
const server = new grpc.Server();
server.addService({ Watch: watch }, { Watch: (call) => call.write(Buffer.from('1')) });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => process.send(port));
process.on('message', () => server.forceShutdown());
JS
cat >client.js <<'JS'
const { fork } = require('node:child_process');
const { once } = require('node:events');
const grpc = require('@grpc/grpc-js');
const pass = (bytes) => bytes;
async function codeAfter(end) {
  const server = fork('./server.js');
  const [port] = await once(server, 'message');
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const call = client.makeServerStreamRequest('/t.T/Watch', pass, pass, Buffer.from('x'));
  await once(call, 'data');
  const ended = new Promise((done) => call.once('error', (error) => done(error.code)));
  end(server);
  const code = await ended;
  client.close();
  server.kill('SIGKILL');
  return code;
}
(async () => {
  const forced = await codeAfter((server) => server.send('end'));
  const killed = await codeAfter((server) => server.kill('SIGKILL'));
  console.log(`forceShutdown: ${forced}   kill -9: ${killed}`);
  process.exit(0);
})();
JS
seen=$(node client.js)
echo "$seen"
test "$seen" = 'forceShutdown: 1   kill -9: 14'
