#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Node.js 26.10.0 (20.20.2 the same), TLS 1.3, secureOptions SSL_OP_NO_TICKET on the server.
#
# The option does not stop tickets in TLS 1.3: each connection is sent two all the same, without the session in them. Its key
# is of a session that the server would have to keep, and a Node server without a store keeps none, so that what the client
# is told of as a session (the 'session' event, twice) resumes nothing: each return is a whole handshake. With the option off
# the tickets hold the session, the client's certificate in it, and resume. The option saves the server sealing that
# certificate twice a connection; nobody saves the handshake.
#
# Seen: without the option 2 tickets, resumed true; with it 2 tickets, half as long, resumed false
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@26.10.0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 30 \
  -subj /CN=probe 2>/dev/null
cat >probe.cjs <<'JS'
const tls = require('node:tls');
const { readFileSync } = require('node:fs');
const { constants } = require('node:crypto');
const key = readFileSync('key.pem');
const cert = readFileSync('cert.pem');
async function look(secureOptions) {
  const asked = { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true };
  const server = tls.createServer({ ...asked, secureOptions, minVersion: 'TLSv1.3' }, (socket) => socket.end('x'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const to = { port: server.address().port, host: '127.0.0.1', key, cert, ca: cert, checkServerIdentity: () => undefined };
  const sessions = [];
  await new Promise((resolve) => {
    const socket = tls.connect(to);
    socket.on('session', (session) => sessions.push(session)).on('close', resolve).resume();
  });
  const resumed = await new Promise((resolve) => {
    const socket = tls.connect({ ...to, session: sessions.at(-1) }, () => resolve(socket.isSessionReused()));
    socket.resume();
  });
  server.close();
  return { tickets: sessions.length, bytes: sessions.at(-1).length, resumed };
}
(async () => {
  const usual = await look(0);
  const without = await look(constants.SSL_OP_NO_TICKET);
  console.log(`without the option ${JSON.stringify(usual)}; with it ${JSON.stringify(without)}`);
  const isAsSeen =
    usual.tickets === 2 && usual.resumed && without.tickets === 2 && !without.resumed && without.bytes < usual.bytes / 1.5;
  process.exit(isAsSeen ? 0 : 1);
})();
JS
node_modules/.bin/node probe.cjs
