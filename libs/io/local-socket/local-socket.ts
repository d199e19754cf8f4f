// SPDX-License-Identifier: GPL-2.0-only
import { chmod, lstat, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { errorCode } from '@lockstep/platform/runtime';
import { frameOf, readFrames } from './frames';

/** One end of a connection between two processes of this machine. */
export interface LocalSocket {
  /** Ends with the connection. @throws LockstepError `invalid-input` for what is no message. */
  readonly messages: AsyncIterable<Uint8Array>;
  /** Resolves when the peer's machine has taken it over: until then nothing more should be sent. */
  send(message: Uint8Array): Promise<void>;
  close(): void;
}

/** The first descriptor that systemd hands over (sd_listen_fds). */
const firstPassedFd = 3;

function localSocket(socket: Socket, maxBytes: number): LocalSocket {
  // An error without a listener ends the process; whoever reads or writes learns of it.
  socket.on('error', () => undefined);
  return {
    messages: readFrames(untilGone(socket), maxBytes),
    send: (message) =>
      new Promise((resolve, reject) => {
        socket.write(frameOf(message), (error) => {
          if (error) reject(away('The other half of the agent is gone.', error));
          else resolve();
        });
      }),
    close: () => socket.destroy(),
  };
}

/** A peer that is gone is the end of what it says. */
async function* untilGone(socket: Socket): AsyncGenerator<Uint8Array> {
  try {
    yield* socket as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!goneCodes.has(errorCode(error) ?? '')) throw error;
  }
}

const goneCodes = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

const away = (message: string, cause: unknown): LockstepError =>
  new LockstepError('unavailable', 'other-half-away', message, {}, { cause });

/**
 * Listens on a UNIX socket: the one that systemd has opened (`place` `passed`), or a path, where a new one is made that its
 * owner and group alone may connect to.
 */
export async function listenLocally(
  place: string,
  { maxBytes, onConnection }: { readonly maxBytes: number; readonly onConnection: (socket: LocalSocket) => void },
): Promise<{ close(): Promise<void> }> {
  const server = createServer((socket) => {
    onConnection(localSocket(socket, maxBytes));
  });
  if (place === 'passed') await listening(server, { fd: firstPassedFd });
  else {
    // What an earlier process left there; the state folder's lock says that it is gone.
    await rm(place, { force: true });
    const umask = process.umask(0o177);
    try {
      await listening(server, { path: place });
    } finally {
      process.umask(umask);
    }
    await chmod(place, 0o660);
  }
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

function listening(server: Server, where: { readonly fd: number } | { readonly path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
}

/**
 * Connects to a UNIX socket that root or this user made: whoever else could put one there would be taken for the loader.
 * @throws LockstepError `unavailable` `other-half-away`; `forbidden` `socket-not-trusted`
 */
export async function connectLocally(path: string, maxBytes: number): Promise<LocalSocket> {
  const { uid } = await lstat(path).catch((error: unknown) => {
    throw away(`Nobody listens on ${path}: is the loader running (lockstep-loader.service)?`, error);
  });
  if (uid !== 0 && uid !== process.getuid?.()) {
    const message = `${path} belongs to user ${uid}, and neither to root nor to the user that this runs as.`;
    throw new LockstepError('forbidden', 'socket-not-trusted', message, { path, uid });
  }
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = (error: Error): void => {
      reject(away(`The loader does not answer on ${path}: ${error.message}.`, error));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      resolve(localSocket(socket, maxBytes));
    });
  });
}
