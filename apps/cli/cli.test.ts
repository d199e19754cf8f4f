// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { createCli, type LocalTask } from './cli';
import { completionScript } from './completion';
import { enumWord, toDocument } from './document';
import { exitCodeOf } from './exit-code';
import { createProgram, runProgram } from './program';
import { createScreen } from './screen';
import { readServerConfig } from './server-config';
import { fields, table } from './table';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-cli-'));
  const state = path.join(folder, 'state');
  mkdirSync(path.join(state, 'pki'), { recursive: true });
  writeFileSync(path.join(state, 'operator.token'), 'secret\n');
  writeFileSync(path.join(state, 'pki/ca.crt'), 'CA');
  writeFileSync(path.join(state, 'endpoint.json'), JSON.stringify({ operatorAddress: '0.0.0.0:7443', pid: 1 }));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const stateDir = (): string => path.join(folder, 'state');

async function lockstep(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const cli = createCli({ stdout, stderr, env, signal: new AbortController().signal });
  const code = await runProgram(cli, args);
  const read = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
  return { code, stdout: read(stdout), stderr: read(stderr) };
}

describe('usage', () => {
  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['order', 'append', 'a'], /required option '--cluster <cluster>'/],
    [['order', 'retire', 'x', '--cluster', 'c'], /"x" is not a whole number/],
    [['order', 'append', 'a', '--cluster', 'c', '--transition-timeout', '30'], /"30" is no transition timeout: .*90s/],
    [['order', 'append', 'a', '--cluster', 'c', '--transition-timeout', '10ms'], /from 1 s to 24 h/],
    [['cluster', 'set', 'c', '--stable', '25h'], /A stable time is from 1 s to 24 h/],
    [['order', 'append', 'a', '--cluster', 'c', '--stable', '10'], /"10" is no stable time: .*90s/],
    [['cluster', 'create', 'c', '--transition-timeout', '25h'], /from 1 s to 24 h/],
    [['cluster', 'set', 'c', '--state-dir', '/nowhere'], /Which control plane\?/],
    // The API takes 0 for what was not said: the head, one canary, a quarter of an hour.
    [['rollout', 'plan', '--cluster', 'c', '--to', '0'], /"0" is none: use a whole number from 1/],
    [['rollout', 'start', '--cluster', 'c', '--canaries', '0'], /"0" is none/],
    [['rollout', 'start', '--cluster', 'c', '--deadline', '0s'], /"0s" is no time at all/],
    [['rollout', 'plan', '--cluster', 'c', '--probe-every', '0'], /"0" is no time at all/],
    [['campaign', 'plan', 'a', '--cluster', 'c', '--clusters-at-once', '0'], /"0" is none/],
    [['node', 'join', '--cluster', 'c', '--allow', 'n*', '--count', '0'], /"0" is none/],
    [['order', 'retire', '0', '--cluster', 'c'], /"0" is none/],
    [['node', 'ls', '--colour'], /unknown option '--colour'/],
    [['node', 'show'], /missing required argument 'node'/],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
    [['node', 'ls'], /Which control plane\? Give --server.*--token-file.*--ca-file.*--state-dir/],
    [['node', 'ls', '--state-dir', '/nowhere'], /Which control plane\? Give --server/],
    [
      ['node', 'ls', '--server', 'x:1', '--state-dir', '/nowhere'],
      /token file \/nowhere\/operator.token cannot be read/,
    ],
  ])('%j is told what is wrong, exit 2', async (args, expected) => {
    const { code, stdout, stderr } = await lockstep(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(expected);
  });

  it('takes no approvers whose number is not said: it would leave them out', async () => {
    const args = ['cluster', 'set', 'c', '--stable', '1h', '--approver', 'bob', '--state-dir', stateDir()];
    expect(await lockstep(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(/need --approvals/) });
  });

  it('prints help with the exit codes, exit 0', async () => {
    const { code, stdout } = await lockstep(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/3 control plane unreachable/);
  });
});

describe('a dead server', () => {
  it('is exit 3, in words and as JSON', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const address = `127.0.0.1:${port}`;
    const args = ['cluster', 'create', 'c', '--server', address, '--json'];
    const { code, stdout, stderr } = await lockstep(args, { LOCKSTEP_STATE_DIR: stateDir() });
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`^error: the control plane at ${address} does not answer: `));
    expect(JSON.parse(stdout)).toMatchObject({ error: { kind: 'unavailable', reason: 'grpc-unavailable' } });
    // It may be starting anew, and is waited for.
  });
});

describe('readServerConfig', () => {
  it('takes flags over environment over the state folder', () => {
    const env = { LOCKSTEP_STATE_DIR: stateDir() };
    expect(readServerConfig({}, env)).toEqual({ address: '127.0.0.1:7443', token: 'secret', ca: 'CA' });
    expect(readServerConfig({}, { ...env, LOCKSTEP_SERVER: 'a:1' }).address).toBe('a:1');
    expect(readServerConfig({ server: 'b:2' }, { ...env, LOCKSTEP_SERVER: 'a:1' }).address).toBe('b:2');
    expect(readServerConfig({ stateDir: stateDir() }, { LOCKSTEP_STATE_DIR: '/nowhere' }).token).toBe('secret');
  });

  it('names what is wrong with an endpoint file', () => {
    const broken = path.join(folder, 'broken');
    mkdirSync(broken);
    writeFileSync(path.join(broken, 'endpoint.json'), '{"operatorAddress": 7}');
    expect(() => readServerConfig({ stateDir: broken }, {})).toThrow(/endpoint\.json is not a control plane's/);
  });

  it('refuses an address without port', () => {
    expect(() => readServerConfig({ server: 'host' }, { LOCKSTEP_STATE_DIR: stateDir() })).toThrow(/use host:port/);
  });
});

describe('exit codes', () => {
  it.each([
    [new Error('bug'), 1],
    [new LockstepError('refused', 'unforced-conflict', ''), 1],
    [new LockstepError('unavailable', 'no-worker', ''), 1],
    [new LockstepError('invalid-input', 'usage', ''), 2],
    // Whoever finds it out: here, or the control plane.
    [new LockstepError('invalid-input', 'invalid-policy', ''), 2],
    [new LockstepError('not-found', 'unknown-cluster', ''), 1],
    [new LockstepError('unavailable', 'grpc-unavailable', ''), 3],
    [new LockstepError('unavailable', 'grpc-deadline-exceeded', ''), 3],
    [new LockstepError('cancelled', 'grpc-cancelled', ''), 130],
  ])('%p', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});

describe('output', () => {
  it('keeps defaults and turns messages into plain JSON', () => {
    const message = {
      seq: 0,
      name: '',
      at: new Date(0),
      diff: Buffer.from('x'),
      body: { $case: 'retire', value: { retires: 1 } },
      gone: undefined,
    };
    const at = '1970-01-01T00:00:00.000Z';
    expect(toDocument(message)).toEqual({
      seq: 0,
      name: '',
      at,
      diff: 'x',
      body: { retire: { retires: 1 } },
      gone: null,
    });
    expect(enumWord({ 1: 'NODE_STATUS_IN_STEP' }, 'NODE_STATUS_', 1)).toBe('in-step');
    expect(enumWord({}, 'NODE_STATUS_', 9)).toBe('unknown-9');
  });

  it('aligns tables and fields without trailing blanks', () => {
    expect(
      table(
        ['NODE', 'AT'],
        [
          ['n1', '2'],
          ['n2222', ''],
        ],
        '',
      ),
    ).toBe('NODE   AT\nn1     2\nn2222');
    expect(table(['NODE'], [], 'No nodes.')).toBe('No nodes.');
    expect(
      fields([
        ['Name', 'a'],
        ['Long name', ''],
      ]),
    ).toBe('Name:      a\nLong name:');
  });

  it('draws progress as lines in a pipe, each once, and as a bar on a terminal', () => {
    const draw = (isTTY: boolean): string => {
      const stream = Object.assign(new PassThrough(), {
        isTTY,
        columns: 80,
        cursorTo: () => true,
        clearLine: () => true,
      });
      const progress = createScreen({ stdout: stream, stderr: stream }, false).progress('build a');
      progress.update({ done: 1, total: 3, detail: 'compile' });
      progress.update({ done: 1, total: 3, detail: 'compile' });
      progress.update({ done: 0, total: 0, detail: 'link' });
      progress.stop();
      return String((stream.read() as Buffer | null) ?? '');
    };
    expect(draw(false)).toBe('build a 1/3 compile\nbuild a link\n');
    expect(draw(true)).toMatch(/build a █+░+ 1\/3 compile/);
  });
});

describe('what others say', () => {
  const hostile = 'a\x1b]0;owned\x07 \x9b2J \x7f \u202eb';
  const shown = 'a\\x1b]0;owned\\x07 \\x9b2J \\x7f \\u202eb';

  const answer = async (isTTY: boolean, json: boolean, task: LocalTask) => {
    const stdout = Object.assign(new PassThrough(), { isTTY });
    const stderr = new PassThrough();
    await createCli({ stdout, stderr, env: {}, signal: new AbortController().signal }).runHere({ json }, task);
    const read = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
    return { stdout: read(stdout), stderr: read(stderr) };
  };

  it('is shown, not obeyed, in answers, lines at once, progress and errors', async () => {
    const { stdout } = await answer(false, false, ({ screen }) => {
      screen.say(hostile);
      screen.progress(hostile).update({ done: 1, total: 2, detail: hostile });
      return Promise.resolve({ document: null, text: table(['A'], [[hostile]], '') });
    });
    expect(stdout).toBe(`${shown}\n${shown} 1/2 ${shown}\nA\n${shown}\n`);
    const fail = () => Promise.reject(new LockstepError('refused', 'no', hostile));
    expect((await answer(true, false, fail)).stderr).toBe(`error: ${shown}\n`);
  });

  it('passes for no row and no field of ours, however many lines it has', () => {
    const forged = 'x\nStatus: in-step';
    expect(table(['NODE', 'KERNEL'], [['n1', forged]], '').split('\n')).toHaveLength(2);
    const pairs = [
      ['Problem', forged],
      ['Agent', '1'],
    ] as const;
    expect(fields(pairs)).toBe('Problem: x\n         Status: in-step\nAgent:   1');
  });

  it('is in JSON what it was, and on a terminal nothing of it is obeyed', async () => {
    const document = { said: hostile };
    const { stdout } = await answer(true, true, () => Promise.resolve({ document, text: '' }));
    expect(JSON.parse(stdout)).toEqual(document);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
  });

  it('has no other way to a stream than the screen', () => {
    const files = readdirSync(__dirname, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /^(?!main|screen)(?!.*test).*\.ts$/.test(file),
    );
    const writing = files.filter((file) =>
      /\b(?:stdout|stderr)\b(?!: OutputStream)|console\./.test(readFileSync(path.join(__dirname, file), 'utf8')),
    );
    expect(writing).toEqual([]);
  });
});

describe('completion', () => {
  const program = () =>
    createProgram(
      createCli({
        stdout: new PassThrough(),
        stderr: new PassThrough(),
        env: {},
        signal: new AbortController().signal,
      }),
    );

  it.each([
    ['lockstep ro', 'rollout'],
    ['lockstep order ', 'show append retire verify rotate-key recover --help'],
    ['lockstep order append a --over', '--override'],
    ['lockstep rollout start --cluster c --w', '--why --waves --wave-size --wait'],
  ])('bash completes "%s"', (line, expected) => {
    const words = line.split(' ');
    const script = `${completionScript('bash', program())}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _lockstep; echo "\${COMPREPLY[@]}"`;
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim()).toBe(expected);
  });

  it('has a fish line for each command and option, quoted', () => {
    const script = completionScript('fish', program());
    expect(script).toContain("complete -c lockstep -n 'not __fish_seen_subcommand_from kernel patch");
    expect(script).toContain(
      "complete -c lockstep -n '__fish_seen_subcommand_from order; and __fish_seen_subcommand_from append' -l override",
    );
    expect(script).toContain("move the cluster'\\''s nodes");
  });
});

describe('the tree', () => {
  it('has one file a command', () => {
    const names = createProgram(
      createCli({
        stdout: new PassThrough(),
        stderr: new PassThrough(),
        env: {},
        signal: new AbortController().signal,
      }),
    ).commands.flatMap((group) => [
      // `build` is a command and has others below it.
      ...(group.commands.length === 0 || group.registeredArguments.length > 0 ? [group] : []),
      ...group.commands,
    ]);
    const files = readdirSync(path.join(__dirname, 'commands'));
    expect(names).toHaveLength(files.length);
    for (const file of files) {
      expect(readFileSync(path.join(__dirname, 'commands', file), 'utf8')).toMatch(/^\/\/ SPDX/);
    }
  });
});
