// SPDX-License-Identifier: GPL-2.0-only
// The floor: a server that takes the same agents' streams over mutual TLS and HTTP/2, and does nothing with them. What it
// needs, Node.js needs.
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import path from 'node:path';

const [port, keysDir = ''] = process.argv.slice(2);
const read = (name: string): string => readFileSync(path.join(keysDir, name), 'utf8');

const server = createSecureServer({
  key: read('server.key'),
  cert: read('server.crt') + read('ca.crt'),
  ca: read('ca.crt'),
  requestCert: true,
  rejectUnauthorized: true,
});
server.on('stream', (stream) => {
  stream.on('error', () => undefined);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
  stream.resume();
});
// A broken connection is somebody else's.
server.on('sessionError', () => undefined);
server.listen(Number(port), '127.0.0.1', () => process.send?.('listening'));
// Whoever measures has gone.
process.on('disconnect', () => process.exit(0));
