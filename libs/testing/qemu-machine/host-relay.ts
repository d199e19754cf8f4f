// SPDX-License-Identifier: GPL-2.0-only

/**
 * A program that QEMU's user network starts for each connection the guest makes, its standard input and output being
 * that connection. QEMU can forward to a port by itself, but then only once in a machine's life.
 * Silent: its standard error is the connection too.
 */
export const hostRelaySource = `// SPDX-License-Identifier: GPL-2.0-only
import { connect, Socket } from 'node:net';
const guest = new Socket({ fd: 0, readable: true, writable: true, allowHalfOpen: true });
const host = connect({ host: '127.0.0.1', port: Number(process.argv[2]), allowHalfOpen: true, noDelay: true });
const end = () => process.exit(0);
guest.on('error', end).pipe(host).on('error', end).pipe(guest);
guest.on('close', end);
host.on('close', end);
`;
