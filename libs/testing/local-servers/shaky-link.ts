// SPDX-License-Identifier: GPL-2.0-only
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server, on an address of its own. */
export interface ShakyLink {
  /** host:port to connect to. */
  readonly address: string;
  /** How long each piece of an answer is held back from now on. */
  delayAnswersMs: number;
  /** Cuts what is connected: what was held back is lost. New connections are taken. */
  cut(): void;
  close(): Promise<void>;
}

/** Passes on what comes, late if it is told to. */
export async function openShakyLink(server: string): Promise<ShakyLink> {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(server) ?? [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const listener = createServer((client) => {
    const upstream = connect(Number(port), host);
    keep(client, upstream);
    keep(upstream, client);
    client.on('data', (bytes: Buffer) => upstream.write(bytes));
    upstream.on('data', (bytes: Buffer) => {
      if (link.delayAnswersMs === 0) client.write(bytes);
      else setTimeout(() => client.writable && client.write(bytes), link.delayAnswersMs);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const link: ShakyLink = {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    delayAnswersMs: 0,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        link.cut();
        listener.close(() => {
          resolve();
        });
      }),
  };
  return link;
}
