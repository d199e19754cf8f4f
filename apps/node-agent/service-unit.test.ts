// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { defaultHoldFile } from '@lockstep/services/node-agent';
import { readConfig, usage } from './config';
import { loaderUsage, readLoaderConfig } from './loader-config';

// The units that docs/operating ships: their commands and paths are those that the program and its manual have.

const operating = path.join(__dirname, '../../docs/operating');
const manual = readFileSync(path.join(operating, 'README.md'), 'utf8');

/** `[Section] Key` to its values, as the unit has them. */
interface Unit {
  readonly text: string;
  values(key: string): readonly string[];
  /** Of a key that stands once. */
  value(key: string): string;
}

function readUnit(name: string): Unit {
  const text = readFileSync(path.join(operating, name), 'utf8');
  const settings = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n').filter((each) => !/^(#|$)/.test(each))) {
    const [key = '', ...value] = line.split('=');
    if (line.startsWith('[')) section = line;
    else settings.set(`${section} ${key}`, [...(settings.get(`${section} ${key}`) ?? []), value.join('=')]);
  }
  const values = (key: string): readonly string[] => settings.get(key) ?? [];
  const value = (key: string): string => {
    if (values(key).length > 1) throw new Error(`twice: ${key}`);
    return values(key)[0] ?? '';
  };
  return { text, values, value };
}

const agent = readUnit('lockstep-agent.service');
const loader = readUnit('lockstep-loader.service');
const socket = readUnit('lockstep-loader.socket');

/** The variables that a unit sets itself. */
const environmentOf = (unit: Unit): Record<string, string> =>
  Object.fromEntries(unit.values('[Service] Environment').map((each) => each.split('=') as [string, string]));

test.each([
  ['agent', agent, usage, (args: string[]) => readConfig(args, environmentOf(agent))],
  ['loader', loader, loaderUsage, (args: string[]) => readLoaderConfig(args.slice(1), environmentOf(loader))],
])('the %s’s command is Node and the bundle that are built, its settings are known', (name, unit, help, read) => {
  const [node = '', bundle = '', ...args] = unit.value('[Service] ExecStart').split(' ');
  const builder = readFileSync(path.join(__dirname, '../../tools/bootstrap/build.mjs'), 'utf8');
  expect(builder).toContain(
    `{ out: '${path.basename(bundle, '.js')}', from: 'apps/node-agent/main.ts', standalone: true }`,
  );
  expect(manual).toContain(`/bin/node ${node}\n`);
  expect(manual).toContain(`from \`${path.dirname(bundle)}\``);
  expect(args).toEqual(name === 'loader' ? ['loader'] : []);
  expect(read(args)).not.toBe('help');
  const file = unit.value('[Service] EnvironmentFile').replace(/^-/, '');
  expect(path.dirname(file)).toBe(path.dirname(defaultHoldFile));
  expect(manual).toContain(`\`${file}\``);
  expect(help).toContain(name === 'loader' ? `(default ${defaultHoldFile})` : '--loader SOCKET');
  for (const [variable] of unit.text.matchAll(/LOCKSTEP_\w+/g)) expect(help).toContain(`$${variable}\n`);
});

test.each([
  ['agent', agent, readConfig([], {})],
  ['loader', loader, readLoaderConfig([], {})],
])('the %s’s state folder is where it looks for it without settings, and its own alone', (_, unit, config) => {
  expect(config).toMatchObject({ stateDir: `/var/lib/${unit.value('[Service] StateDirectory')}` });
  expect([unit.value('[Service] StateDirectoryMode'), unit.value('[Service] UMask')]).toEqual(['0700', '0077']);
});

test('they meet at a socket that the agent’s group alone may use, and that systemd opens for the loader', () => {
  const listens = socket.value('[Socket] ListenStream');
  expect(readConfig([], environmentOf(agent))).toMatchObject({ loaderSocket: listens });
  expect(readLoaderConfig([], {})).toMatchObject({ socket: listens });
  expect(readLoaderConfig([], environmentOf(loader))).toMatchObject({ socket: 'passed' });
  expect(socket.value('[Socket] SocketMode')).toBe('0660');
  expect(socket.value('[Socket] SocketUser')).toBe('root');
  expect(socket.value('[Socket] SocketGroup')).toBe(agent.value('[Service] Group'));
  const users = readFileSync(path.join(operating, 'lockstep-agent.sysusers'), 'utf8');
  expect(users).toContain(`\nu ${agent.value('[Service] User')} - `);
  expect(loader.value('[Unit] Requires')).toBe('lockstep-loader.socket');
});

test('one has the network and no capability, the other may load modules and has no network', () => {
  const capabilities = (unit: Unit): readonly string[] => unit.values('[Service] CapabilityBoundingSet');
  const families = (unit: Unit): string[] => unit.value('[Service] RestrictAddressFamilies').split(' ');
  expect(capabilities(agent)).toEqual(['']);
  expect(capabilities(loader)).toEqual(['CAP_SYS_MODULE CAP_SYSLOG']);
  expect(loader.value('[Service] PrivateNetwork')).toBe('yes');
  expect(families(loader)).toEqual(['AF_UNIX']);
  expect(families(agent)).toEqual(['AF_INET', 'AF_INET6', 'AF_UNIX']);
  // What each load needs of the kernel.
  expect(loader.value('[Service] ReadWritePaths').split(' ')).toEqual([
    '-/sys/kernel/livepatch',
    '-/sys/module/livepatch',
  ]);
  expect(loader.values('[Service] SystemCallFilter').at(-1)).toBe('finit_module delete_module');
});

describe.each([
  ['agent', agent],
  ['loader', loader],
])('the %s', (name, unit) => {
  test('starts without a network, again whenever it ends, and is not cut off while it stops in order', () => {
    expect(unit.value('[Unit] After')).toBe('local-fs.target lockstep-loader.socket');
    expect(unit.value('[Service] Restart')).toBe('always');
    // systemd's own: SIGTERM to all of the unit's processes, and a minute and a half for them.
    for (const key of ['Type', 'KillSignal', 'KillMode', 'TimeoutStopSec', 'ExecStop'])
      expect([key, unit.value(`[Service] ${key}`)]).toEqual([key, '']);
  });

  test('is exposed to less than 2.0 of 10, as systemd counts', () => {
    const file = path.join(operating, `lockstep-${name}.service`);
    const options = ['security', '--offline=true', '--no-pager', '--threshold=19', file];
    const told = execFileSync('systemd-analyze', options, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
    expect(told).toMatch(/Overall exposure level for lockstep-\w+\.service: [01]\.\d OK/);
  });
});
