// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { visibleText } from '@lockstep/domain/visible-text';
import fc from 'fast-check';
import { parse } from 'yaml';
import { createCli, type LeafOptions, type LocalTask } from './cli';
import { closestNames } from './closest';
import { expectedName } from './expected-name';
import { nextStep, reasonsWithStep } from './next-step';
import { createProgram, runProgram } from './program';
import { readServerConfig } from './server-config';
import { yamlText } from './yaml-text';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-habits-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const env = (): NodeJS.ProcessEnv => ({ LOCKSTEP_CONTEXTS: path.join(folder, 'contexts.yaml') });

function surroundings(signal = new AbortController().signal, isTTY = false) {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const stderr = new PassThrough();
  const read = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
  const cli = createCli({ stdout, stderr, env: env(), signal });
  return { cli, said: () => ({ code: cli.exitCode(), stdout: read(stdout), stderr: read(stderr) }) };
}

async function lockstep(...args: string[]) {
  const { cli, said } = surroundings();
  const code = await runProgram(cli, args);
  return { ...said(), code };
}

async function answered(options: LeafOptions, task: LocalTask, signal?: AbortSignal) {
  const { cli, said } = surroundings(signal);
  await cli.runHere(options, task);
  return said();
}

describe('what was waited for', () => {
  it.each([
    ['ended well', {}, 0],
    ['failed', { hasFailed: true }, 1],
    ['halted, and waits for a word', { hasFailed: true, hasHalted: true }, 5],
  ])('%s', async (_, how, code) => {
    expect((await answered({}, () => Promise.resolve({ document: {}, text: '', ...how }))).code).toBe(code);
  });
});

describe('-o', () => {
  const task: LocalTask = ({ screen }) => {
    screen.say('a line at once');
    return Promise.resolve({ document: { a: 1 }, text: 'few', wide: () => 'many', names: ['n1', 'n2'] });
  };

  it.each([
    [{}, 'a line at once\nfew\n'],
    [{ output: 'wide' as const }, 'a line at once\nmany\n'],
    [{ output: 'name' as const }, 'n1\nn2\n'],
    [{ output: 'yaml' as const }, 'a: 1\n'],
    [{ output: 'json' as const }, '{\n  "a": 1\n}\n'],
    [{ json: true }, '{\n  "a": 1\n}\n'],
  ])('%j', async (options, stdout) => {
    expect(await answered(options, task)).toEqual({ code: 0, stdout, stderr: '' });
  });

  it('says so where there are no names, and tells errors in the form that was asked for', async () => {
    const nameless = await answered({ output: 'name' }, () => Promise.resolve({ document: 1, text: '' }));
    expect([nameless.code, nameless.stderr]).toEqual([2, expect.stringMatching(/no names: use -o json/)]);
    const fail = () => Promise.reject(new LockstepError('refused', 'seq-taken', 'Taken.', { cluster: 'web' }));
    const { stdout, stderr, code } = await answered({ output: 'yaml' }, fail);
    expect([code, stderr]).toEqual([1, 'error: Taken.\nnext: lockstep order show --cluster web\n']);
    expect(parse(stdout)).toMatchObject({ error: { reason: 'seq-taken', next: 'lockstep order show --cluster web' } });
  });

  it('keeps in YAML, made visible, whatever stood in the document, for readers of 1.1 too', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'a\x1b]0;x\x07',
        '\x9b2J',
        '\u202eb',
        'no',
        'on',
        '0o17',
        '1e3',
        '~',
        'a: b',
        '- x',
        'x\n\ny\n',
        '\r',
        '',
      ),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b'), hostile), fc.array(hostile), (fields, list) => {
        const value = { ...fields, list };
        const shown = visibleText(yamlText(value));
        expect(parse(shown)).toEqual(value);
        expect(parse(shown, { version: '1.1' })).toEqual(value);
      }),
    );
  });
});

describe('--watch and --timeout', () => {
  it('shows an answer again when it is another one, until it is ended', async () => {
    const abort = new AbortController();
    let asked = 0;
    const task: LocalTask = () => {
      asked += 1;
      if (asked === 3) abort.abort();
      return Promise.resolve({ document: null, text: asked < 3 ? 'same' : 'other' });
    };
    const { code, stdout, stderr } = await answered({ watch: true }, task, abort.signal);
    expect([code, stdout, stderr]).toEqual([130, 'same\nother\n', 'error: Interrupted.\n']);
  });

  it('gives up in time, with an exit code of its own', async () => {
    const never: LocalTask = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
    const { code, stderr } = await answered({ timeout: 50 }, never);
    expect([code, stderr]).toEqual([
      4,
      'error: It was not done within 0.05 s. What was begun goes on.\nnext: the same with a longer --timeout\n',
    ]);
    expect((await lockstep('node', 'ls', '--timeout', '5')).stderr).toMatch(/"5" is no timeout: .* 90s/);
    expect((await lockstep('node', 'ls', '--timeout', '0s')).stderr).toMatch(/A timeout is from 1 ms to 24 h/);
  });
});

describe('contexts', () => {
  const files = ['--token-file', 't', '--ca-file', 'c'];

  it('are kept, used, and forgotten; flags and the environment beat the one in use', async () => {
    writeFileSync(path.join(folder, 'token'), 'secret\n');
    writeFileSync(path.join(folder, 'ca'), 'CA');
    const at = (name: string) => ['--token-file', path.join(folder, 'token'), '--ca-file', path.join(folder, name)];
    expect((await lockstep('context', 'ls')).stdout).toMatch(/lockstep context add makes one/);
    expect((await lockstep('context', 'add', 'prod', '--server', 'prod:1', ...at('ca'))).stdout).toMatch(/in use/);
    expect((await lockstep('context', 'add', 'dev', '--server', 'dev:2', ...at('ca'))).stdout).toMatch(
      /context use dev/,
    );
    expect((await lockstep('context', 'ls', '-o', 'name')).stdout).toBe('prod\ndev\n');
    const address = (flags: object, more: NodeJS.ProcessEnv = {}) =>
      readServerConfig(flags, { ...env(), ...more }).address;
    expect(readServerConfig({}, env())).toEqual({ address: 'prod:1', token: 'secret', ca: 'CA' });
    expect((await lockstep('context', 'use', 'dev')).stdout).toBe('In use: dev.\n');
    expect(address({})).toBe('dev:2');
    expect(address({ context: 'prod' })).toBe('prod:1');
    expect(address({}, { LOCKSTEP_CONTEXT: 'prod' })).toBe('prod:1');
    expect(address({ server: 'x:3' })).toBe('x:3');
    const inEnv = { LOCKSTEP_SERVER: 'env:4', LOCKSTEP_TOKEN_FILE: path.join(folder, 'token') };
    expect(address({}, { ...inEnv, LOCKSTEP_CA_FILE: path.join(folder, 'ca') })).toBe('env:4');
    // What the environment leaves out is not taken from the context in use: its token is for its server.
    expect(() => address({}, inEnv)).toThrow(/Give --ca-file/);
    expect(address({ context: 'prod' }, inEnv)).toBe('prod:1');
    expect(statSync(path.join(folder, 'contexts.yaml')).mode & 0o777).toBe(0o600);
    await lockstep('context', 'rm', 'dev');
    expect(() => address({})).toThrow(/Which control plane\?.*lockstep context add/);
  });

  it('are told apart from what is none', async () => {
    expect((await lockstep('context', 'use', 'nowhere')).stderr).toMatch(/no context "nowhere": those kept are prod/);
    expect((await lockstep('node', 'ls', '--context', 'nowhere')).code).toBe(2);
    expect((await lockstep('context', 'add', 'x', '--server', 'no-port', ...files)).stderr).toMatch(/host:port/);
    expect((await lockstep('context', 'add', 'x', '--server', 'a:1')).stderr).toMatch(/--token-file and --ca-file/);
    const broken = path.join(folder, 'contexts.yaml');
    const before = readFileSync(broken, 'utf8');
    writeFileSync(broken, 'contexts: [1]\n');
    expect((await lockstep('context', 'ls')).stderr).toMatch(/contexts\.yaml is no list of contexts: mend it/);
    writeFileSync(broken, before);
  });
});

describe('names', () => {
  it.each([
    ['web-0l', 'web-01 web-02'],
    ['wbe-01', 'web-01'],
    ['web01', 'web-01'],
    ['lb-2', 'lb-1'],
    ['db', ''],
    ['mail-01', ''],
    ['', ''],
  ])('"%s" may have meant [%s]', (given, meant) => {
    expect(closestNames(given, ['web-01', 'web-02', 'da', 'lb-1']).join(' ')).toBe(meant);
  });

  const program = () => createProgram(surroundings().cli);
  it.each([
    [['node', 'show'], 'node'],
    [['node', 'show', 'n1'], undefined],
    [['node', 'label', 'n1'], 'node'],
    [['node', 'ls', '--cluster'], 'cluster'],
    [['node', 'ls', '--context'], 'context'],
    [['node', 'ls', '-l'], undefined],
    [['rollout', 'start', '--kernel-build'], 'kernel'],
    [['rollout', 'start', '--cluster', 'web', '--wait'], undefined],
    [['patch', 'combine', 'a'], 'patch'],
    [['rollout', 'show', '--json'], 'rollout'],
    [['build', 'watch'], 'build'],
    [['node'], undefined],
    [[], undefined],
  ])('after %j comes a %s', (words, kind) => {
    expect(expectedName(program(), words)).toBe(kind);
  });

  it('of a bash completion are asked for where a name is expected, and nowhere else', async () => {
    const { stdout } = await lockstep('completion', 'bash');
    const complete = (...words: string[]): string =>
      execFileSync(
        'bash',
        [
          '-c',
          `lockstep() { [ "$1 $2" = "complete-names --" ] && [ "$3 $4" = "node show" ] && echo web-01 web-02; }
${stdout}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _lockstep; echo "\${COMPREPLY[@]}"`,
        ],
        { encoding: 'utf8' },
      ).trim();
    expect(complete('lockstep', 'node', 'show', 'w')).toBe('web-01 web-02');
    expect(complete('lockstep', 'node', 'show', '--js')).toBe('--json');
    expect(complete('lockstep', 'node', 'la')).toBe('label');
  });
});

describe('what to type next', () => {
  it('is told after wrong usage, for the command at hand', async () => {
    expect((await lockstep('node', 'show')).stderr).toMatch(/next: lockstep node show --help/);
    expect((await lockstep('nod')).stderr).toMatch(/Did you mean node\?/);
  });

  it('is not said twice', () => {
    expect(nextStep(new LockstepError('refused', 'seq-taken', 'Run `lockstep order show` again.'))).toBeUndefined();
  });

  it('is kept for reasons that something still gives', () => {
    const sources = execFileSync(
      'git',
      ['grep', '-hoE', "'[a-z]+(-[a-z]+)+'", '--', 'apps/**/*.ts', 'libs/**/*.ts', ':!apps/cli/next-step.ts'],
      {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
        cwd: path.join(__dirname, '../..'),
      },
    );
    const given = new Set(sources.split('\n').map((each) => each.slice(1, -1)));
    // The transport's own reasons are made of its codes.
    expect(reasonsWithStep.filter((reason) => !given.has(reason) && !reason.startsWith('grpc-'))).toEqual([]);
  });
});
