// SPDX-License-Identifier: GPL-2.0-only
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface ExecResult {
  status: number;
  stdout: string;
  stderr: string;
}

interface Pending {
  resolve: (result: ExecResult) => void;
  reject: (error: Error) => void;
}

/**
 * The host's end of the shell that the guest's init serves on a virtio-serial port: it works without a network and
 * without any agent. Lines to the guest: `ID BASE64`; back: `ready BOOT-ID`, `done ID STATUS =BASE64 =BASE64`.
 */
export class GuestShell {
  private readonly pending = new Map<string, Pending>();
  private readonly readyWaiters = new Set<(bootId: string) => void>();
  private readonly server: Server;
  private socket: Socket | undefined;
  private nextId = 1;
  private currentBootId: string | undefined;

  private constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket) => {
      this.attach(socket);
    });
  }

  /** Listens before QEMU starts, so that not one byte of the guest's is lost. */
  static async listen(socketPath: string): Promise<GuestShell> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, resolve);
    });
    return new GuestShell(server);
  }

  /** The guest's boot id while its shell is up. */
  get bootId(): string | undefined {
    return this.currentBootId;
  }

  /** Resolves with the boot id as soon as the shell answers. */
  async ready(): Promise<string> {
    if (this.currentBootId !== undefined) return this.currentBootId;
    return new Promise((resolve) => this.readyWaiters.add(resolve));
  }

  async exec(command: string, timeoutMs: number): Promise<ExecResult> {
    const id = String(this.nextId++);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ExecResult>((resolve, reject) => {
        this.pending.set(id, { resolve, reject });
        timer = setTimeout(() => {
          reject(new Error(`the guest did not answer within ${timeoutMs} ms: ${command}`));
        }, timeoutMs);
        this.socket?.write(`${id} ${Buffer.from(command).toString('base64')}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.pending.delete(id);
    }
  }

  /** The guest is gone or about to start again: nobody will answer what was asked. */
  forgetGuest(reason: string): void {
    this.currentBootId = undefined;
    for (const { reject } of this.pending.values()) reject(new Error(reason));
    this.pending.clear();
  }

  async close(): Promise<void> {
    this.forgetGuest('the machine was closed');
    this.socket?.destroy();
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  private attach(socket: Socket): void {
    this.socket = socket;
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket }).on('line', (line) => {
      this.receive(line);
    });
  }

  private receive(line: string): void {
    const [word, first = '', status = '', out = '', err = ''] = line.split(' ');
    if (word === 'ready') {
      this.forgetGuest('the guest started again');
      this.currentBootId = first;
      for (const resolve of this.readyWaiters) resolve(first);
      this.readyWaiters.clear();
    } else if (word === 'done') {
      this.pending.get(first)?.resolve({ status: Number(status), stdout: decode(out), stderr: decode(err) });
    }
  }
}

function decode(field: string): string {
  return Buffer.from(field.slice(1), 'base64').toString('utf8');
}
