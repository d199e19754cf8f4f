#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Node.js 26.10.0 (20.20.2 the same), node:inspector (--cpu-prof the same) and node:tls.
#
# While it waits for events Node tells V8's profiler that it is idle, and takes that back once the poll is over. What OpenSSL
# does in between, in the middle of a handshake, calls no JavaScript: a server that does nothing but handshakes, and has a whole
# processor for it, is idle in its own profile. Only what the process itself tells (process.cpuUsage) shows the work.
#
# Seen: 400 handshakes: 1.3 s of CPU, of which the profile knows 0.4 s; idle for 2.8 s
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@26.10.0
openssl req -x509 -newkey rsa:4096 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null
cat >client.cjs <<'JS'
const tls = require('node:tls');
const [port, count] = process.argv.slice(2).map(Number);
const next = (left) => {
  if (left === 0) return;
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, session: undefined });
  socket.on('data', () => undefined).on('close', () => next(left - 1)).on('error', () => undefined);
};
for (let at = 0; at < 8; at += 1) next(count / 8);
JS
cat >server.cjs <<'JS'
const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { Session } = require('node:inspector/promises');
const tls = require('node:tls');
const count = 400;
const profiler = new Session();
profiler.connect();
let done = 0;
let before;
const server = tls.createServer({ key: readFileSync('key.pem'), cert: readFileSync('cert.pem') }, (socket) => {
  socket.on('error', () => undefined).end('x');
  done += 1;
  if (done === count) setTimeout(tell, 100);
});
async function tell() {
  const { user, system } = process.cpuUsage(before);
  const { profile } = await profiler.post('Profiler.stop');
  server.close();
  const idleId = profile.nodes.find(({ callFrame }) => callFrame.functionName === '(idle)')?.id;
  const secondsOf = (wanted) =>
    profile.samples.reduce((sum, id, at) => (wanted(id) ? sum + profile.timeDeltas[at] : sum), 0) / 1e6;
  const [used, idle, known] = [(user + system) / 1e6, secondsOf((id) => id === idleId), secondsOf((id) => id !== idleId)];
  const words = `${used.toFixed(1)} s of CPU, of which the profile knows ${known.toFixed(1)} s; idle for ${idle.toFixed(1)} s`;
  console.log(`${count} handshakes: ${words}`);
  process.exitCode = known < used / 2 && idle > used / 2 ? 0 : 1;
}
server.listen(0, '127.0.0.1', async () => {
  await profiler.post('Profiler.enable');
  await profiler.post('Profiler.start');
  before = process.cpuUsage();
  spawn(process.execPath, ['client.cjs', server.address().port, count], { stdio: 'inherit' });
});
JS
node_modules/.bin/node server.cjs
