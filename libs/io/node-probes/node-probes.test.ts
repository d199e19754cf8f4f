// SPDX-License-Identifier: GPL-2.0-only
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import promises from 'node:fs/promises';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readBuildSignature, signedText, withBuildSignature } from '@lockstep/domain/klp-module';
import { parseProbe } from '@lockstep/domain/probes';
import { isProcessAlive, sha256OfBytes } from '@lockstep/platform/runtime';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { runProbe } from './index';

let folder: TemporaryFolder;
let server: Server;
let port: number;

beforeAll(async () => {
  folder = await temporaryFolder('probes');
  server = createServer((request, response) => {
    if (request.url === '/never') return;
    if (request.url === '/slow') {
      // A line that never ends.
      const { socket } = response;
      socket?.write('HTTP/1.1 200 OK\r\nx: ');
      const timer = setInterval(() => socket?.write('y'), 5);
      socket
        ?.on('error', () => undefined)
        .on('close', () => {
          clearInterval(timer);
        });
      return;
    }
    if (request.url === '/endless') {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
      response.on('close', () => {
        clearInterval(timer);
      });
      return;
    }
    if (request.url === '/head') {
      response.writeHead(200).flushHeaders();
      return;
    }
    if (request.url === '/bloated') {
      response.socket?.end(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}`);
      return;
    }
    response.writeHead(Number(request.url?.slice(1)), { location: '/500' }).end('x'.repeat(100_000));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await folder.remove();
});

const inFolder = (name: string): string => path.join(folder.path, name);

/** Puts a script and a list that names it on the node. */
function install(name: string, text: string, args: readonly string[] = []): string {
  const program = inFolder(name);
  writeFileSync(program, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const sha256 = sha256OfBytes(readFileSync(program));
  const file = inFolder(`${name}.json`);
  writeFileSync(file, JSON.stringify({ commands: { [name]: { run: [program, ...args], sha256 } } }), { mode: 0o644 });
  return file;
}

interface Asked {
  readonly file?: string;
  readonly timeoutMs?: number;
  readonly isSigned?: (bytes: Uint8Array) => boolean;
}

/** In one line: the verdict, and why. */
async function run(text: string, { file = inFolder('none.json'), timeoutMs = 30_000, isSigned }: Asked = {}) {
  const { signal } = new AbortController();
  const outcome = await runProbe(parseProbe(text), { timeoutMs, signal, commands: { file, isSigned } });
  return `${outcome.verdict} ${outcome.message}`;
}

test.each([
  ['200', 'pass '],
  ['204', 'pass '],
  // Nobody follows where it leads.
  ['302', 'pass '],
  ['404', 'fail status 404'],
  ['503', 'fail status 503'],
])('by HTTP: %s: %s', async (status, expected) => {
  expect(await run(`http=http://127.0.0.1:${port}/${status}`)).toBe(expected);
});

test('who answers nobody in time could not be measured; who is not there fails', async () => {
  expect(await run(`http=http://127.0.0.1:${port}/never`, { timeoutMs: 100 })).toMatch(
    /^error it did not end in its time/,
  );
  const free = await freePort();
  expect(await run(`http=http://127.0.0.1:${free}/`)).toMatch(/^fail .*ECONNREFUSED/);
  expect(await run(`tcp=127.0.0.1:${free}`)).toMatch(/^fail .*ECONNREFUSED/);
  expect(await run(`tcp=127.0.0.1:${port}`)).toBe('pass ');
});

test('one whose head is whole has answered, whatever comes of its body; one whose head never ends has not', async () => {
  expect(await run(`http=http://127.0.0.1:${port}/head`)).toBe('pass ');
  expect(await run(`http=http://127.0.0.1:${port}/endless`)).toBe('pass ');
  expect(await run(`http=http://127.0.0.1:${port}/slow`, { timeoutMs: 200 })).toMatch(/^error it did not end/);
  expect(await run(`http=http://127.0.0.1:${port}/bloated`)).toMatch(/^fail /);
});

test.each([
  ['exit 0', 'pass '],
  ['echo not well; exit 1', 'fail exit 1: not well'],
  ['echo away >&2; exit 75', 'error exit 75: away'],
  ['/nowhere/to/be/found', 'error exit 127'],
  ['kill -TERM $$', 'error it was ended by SIGTERM'],
])('a command: %s: %s', async (text, expected) => {
  expect(await run('command=script', { file: install('script', text) })).toContain(expected);
});

test('a command that hangs is ended with all that it has started', async () => {
  const pids = inFolder('pids');
  const file = install('hangs', `sleep 600 & echo $! $$ > "$1.new"; mv "$1.new" "$1"; wait`, [pids]);
  const { signal } = new AbortController();
  const stop = new AbortController();
  const running = runProbe(parseProbe('command=hangs'), {
    ...{ timeoutMs: 60_000, commands: { file } },
    signal: AbortSignal.any([signal, stop.signal]),
  });
  const started = await eventually(() => readFileSync(pids, 'utf8').trim().split(' ').map(Number));
  expect(started.map((pid) => isProcessAlive(pid))).toEqual([true, true]);
  stop.abort();
  expect(await running).toMatchObject({ verdict: 'error' });
  await eventually(() => {
    expect(started.filter((pid) => isRunning(pid))).toEqual([]);
  });
});

test('a command that asks not to be ended is; what one that has ended left behind is too, and nobody waits for it', async () => {
  const pids = inFolder('left');
  const stubborn = install(
    'stubborn',
    `trap '' TERM INT HUP; echo $$ > "$1.new"; mv "$1.new" "$1"; while :; do sleep 1; done`,
    [pids],
  );
  const stop = new AbortController();
  const commands = { file: stubborn };
  const running = runProbe(parseProbe('command=stubborn'), { timeoutMs: 60_000, commands, signal: stop.signal });
  const [pid = 0] = await eventually(() => readFileSync(pids, 'utf8').trim().split(' ').map(Number));
  stop.abort();
  expect(await running).toMatchObject({ verdict: 'error' });
  await eventually(() => {
    expect(isRunning(pid)).toBe(false);
  });
  // It keeps what it was given to write to.
  const leaves = install('leaves', `sleep 600 & echo $! > "$1"; exit 0`, [inFolder('kept')]);
  expect(await run('command=leaves', { file: leaves })).toBe('pass ');
  const left = Number(readFileSync(inFolder('kept'), 'utf8'));
  await eventually(() => {
    expect(isRunning(left)).toBe(false);
  });
});

test('a list, or a program, that cannot be read in time keeps nobody', async () => {
  const pipe = inFolder('pipe');
  execFileSync('mkfifo', ['-m', '600', pipe]);
  expect(await run('command=any', { file: pipe })).toMatch(/^error .*is no file/);
  // A disk that hangs.
  const never = (): Promise<never> => new Promise(() => undefined);
  const stat = jest.spyOn(promises, 'stat').mockImplementation(never);
  const asked = await run('command=stuck', { file: inFolder('stuck.json'), timeoutMs: 50 });
  expect(asked).toMatch(/^error .*could not be read in time/);
  expect(await run('command=stuck', { file: inFolder('stuck.json'), timeoutMs: 50 })).toBe(asked);
  expect(stat).toHaveBeenCalledTimes(1);
  stat.mockRestore();
});

test('nothing runs that the list does not name as it is', async () => {
  const file = install('listed', 'exit 0');
  expect(await run('command=other', { file })).toMatch(/lists no command "other"/);
  expect(await run('command=listed')).toMatch(/There are no commands on this node/);
  writeFileSync(inFolder('listed'), '#!/bin/sh\nexit 0 # changed\n');
  expect(await run('command=listed', { file })).toMatch(/^error .* its sha256 is another one/);
  chmodSync(install('listed', 'exit 0'), 0o666);
  expect(await run('command=listed', { file })).toMatch(/^error .* may be written by others/);
  writeFileSync(inFolder('broken.json'), '{"commands": {"listed": "/bin/sh"}}', { mode: 0o644 });
  expect(await run('command=listed', { file: inFolder('broken.json') })).toMatch(/^error .* has to be \{"commands"/);
});

test('on a machine that was given build keys one of them must have signed the list', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const isSigned = (content: Uint8Array): boolean => {
    const signed = readBuildSignature(content);
    if (signed === null) return false;
    return verify(null, signedText(sha256OfBytes(signed.content)), publicKey, signed.signature);
  };
  const file = install('signed', 'exit 0');
  expect(await run('command=signed', { file, isSigned })).toMatch(/^error .* signed by none of the build keys/);
  const bytes = readFileSync(file);
  writeFileSync(
    `${file}.sig`,
    withBuildSignature(bytes, sign(null, signedText(sha256OfBytes(bytes)), privateKey)).subarray(bytes.length),
  );
  expect(await run('command=signed', { file, isSigned })).toBe('pass ');
  writeFileSync(file, bytes.toString().replace('"commands"', ' "commands"'));
  expect(await run('command=signed', { file, isSigned })).toMatch(/^error .* signed by none/);
});

/** A zombie has ended, whoever has not looked at it yet. */
function isRunning(pid: number): boolean {
  if (!isProcessAlive(pid)) return false;
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function eventually<T>(look: () => T, withinMs = 60_000): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    try {
      return look();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
