// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { defaultHoldFile } from '@lockstep/services/node-agent';
import { readConfig, usage } from './config';

// The unit that docs/operating ships: its commands and paths are those that the program and its manual have.

const operating = path.join(__dirname, '../../docs/operating');
const text = readFileSync(path.join(operating, 'lockstep-agent.service'), 'utf8');
const manual = readFileSync(path.join(operating, 'README.md'), 'utf8');

/** `[Section] Key` to value: this unit has none twice. */
function readUnit(): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n').filter((each) => !/^(#|$)/.test(each))) {
    const [key = '', ...value] = line.split('=');
    if (line.startsWith('[')) section = line;
    else if (settings.has(`${section} ${key}`)) throw new Error(`twice: ${line}`);
    else settings.set(`${section} ${key}`, value.join('='));
  }
  return settings;
}

const unit = readUnit();
const service = (key: string): string => unit.get(`[Service] ${key}`) ?? '';

test('its command is Node and the bundle that are built and installed there, with arguments that the agent takes', () => {
  const [node = '', bundle = '', ...args] = service('ExecStart').split(' ');
  const builder = readFileSync(path.join(__dirname, '../../tools/bootstrap/build.mjs'), 'utf8');
  expect(builder).toContain(
    `{ out: '${path.basename(bundle, '.js')}', from: 'apps/node-agent/main.ts', standalone: true }`,
  );
  expect(manual).toContain(`/bin/node ${node}\n`);
  expect(manual).toContain(`from \`${path.dirname(bundle)}\``);
  expect(readConfig(args, {})).not.toBe('help');
});

test('its state folder is where the agent looks for it without settings, and root’s alone', () => {
  expect(readConfig([], {})).toMatchObject({ stateDir: `/var/lib/${service('StateDirectory')}` });
  expect([service('StateDirectoryMode'), service('UMask')]).toEqual(['0700', '0077']);
});

test('its settings are beside the hold file, where the manual says, and each that it names is one', () => {
  expect(path.dirname(service('EnvironmentFile'))).toBe(path.dirname(defaultHoldFile));
  expect(manual).toContain(`\`${service('EnvironmentFile')}\``);
  expect(usage).toContain(`(default ${defaultHoldFile})`);
  for (const [name] of text.matchAll(/LOCKSTEP_\w+/g)) expect(usage).toContain(`$${name}\n`);
});

test('it starts without a network, again whenever it ends, and is not cut off while it stops in order', () => {
  expect(unit.get('[Unit] After')).toBe('local-fs.target');
  expect(service('Restart')).toBe('always');
  // systemd's own: SIGTERM to all of the unit's processes, and a minute and a half for them.
  for (const key of ['Type', 'KillSignal', 'KillMode', 'TimeoutStopSec', 'ExecStop'])
    expect([key, service(key)]).toEqual([key, '']);
});
