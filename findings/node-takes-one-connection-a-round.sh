#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Node.js 22.22.0 (libuv 1.51.0; 20.20.2 with libuv 1.46.0 the same) beside 18.20.8 (libuv 1.44.2), node:net.
#
# Of connections that wait to be accepted Node 18 takes all in one round of its event loop, later ones take one in each round. A server
# whose rounds take 20 ms, because it answers others in them, then accepts no more than fifty a second, however much of a processor
# it has; the rest waits in the kernel's queue (511 by default), and who finds that full tries again after a second or more. So a
# fleet that comes back together is let in at the pace of the longest rounds, and a pace of the program's own for what it has accepted
# bounds nothing but what came through that.
#
# Seen: v18.20.8: 300 that waited were taken in 1 rounds of the loop
#       v22.22.0: 300 that waited were taken in 300 rounds of the loop
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >client.cjs <<'JS'
const net = require('node:net');
const [port, count] = process.argv.slice(2).map(Number);
for (let at = 0; at < count; at += 1) net.connect(port, '127.0.0.1').on('error', () => undefined);
JS
cat >server.cjs <<'JS'
const { spawn } = require('node:child_process');
const net = require('node:net');
const [count, expected] = process.argv.slice(2).map(Number);
let round = 0;
const nextRound = () => {
  round += 1;
  setImmediate(nextRound);
};
const rounds = new Set();
let taken = 0;
const server = net.createServer((socket) => {
  socket.on('error', () => undefined);
  rounds.add(round);
  taken += 1;
  if (taken < count) return;
  console.log(`${process.version}: ${count} that waited were taken in ${rounds.size} rounds of the loop`);
  client.kill();
  process.exit(rounds.size === expected ? 0 : 1);
});
let client;
server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => {
  client = spawn(process.execPath, ['client.cjs', server.address().port, count], { stdio: 'inherit' });
  // Busy until all of them wait.
  setTimeout(() => {
    const end = Date.now() + 5_000;
    while (Date.now() < end);
    nextRound();
  }, 0);
});
JS
for version in 18.20.8:1 22.22.0:300; do
  npm init -y >/dev/null
  npm install --silent --no-audit --no-fund "node@${version%:*}"
  node_modules/.bin/node server.cjs 300 "${version#*:}"
done
