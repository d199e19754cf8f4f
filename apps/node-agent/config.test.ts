// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { showLabels } from '@lockstep/domain/labels';
import { readConfig } from './config';
import { readLoaderConfig } from './loader-config';

const env = { LOCKSTEP_AGENT_SERVER: 'cp.example:7443', LOCKSTEP_AGENT_JOIN_TOKEN: 'lsjoin1.x.y' };

test('without settings it is an enrolled node', () => {
  const config = readConfig([], {});
  expect(config).toMatchObject({ stateDir: '/var/lib/lockstep-agent' });
  expect(config).not.toHaveProperty('enrolment');
});

test('flags win over the environment, and an empty variable counts as unset', () => {
  const config = readConfig(['--server', '[::1]:1', '--heartbeat-ms=50'], {
    ...env,
    LOCKSTEP_AGENT_STATE_DIR: '',
  });
  expect(config).toMatchObject({
    stateDir: '/var/lib/lockstep-agent',
    enrolment: { server: '[::1]:1', joinToken: 'lsjoin1.x.y' },
    heartbeatMs: 50,
  });
});

test.each([
  [['--kernel', 'directory:/k'], /--kernel/],
  [['--state-dir', 'here'], /--state-dir/],
  [['--heartbeat-ms', 'often'], /--heartbeat-ms/],
  [['--heartbeat-ms', '60000'], /--heartbeat-ms/],
  [['--labels', 'rack'], /"rack" is not a label: use KEY=VALUE/],
  [['--server', 'nowhere'], /host:port/],
  [['--sever', 'x:1'], /--sever/],
  // node_exporter reads no other files.
  [['--metrics-file', '/tmp/lockstep.txt'], /--metrics-file/],
  // The loader would not know of it.
  [['--loader', '/run/l.sock', '--allow-unsigned', 'ab'.repeat(32)], /--allow-unsigned .* is for the loader.*LOADER_/],
  [['--loader', '/run/l.sock', '--hold-file', '/etc/hold'], /--hold-file .* is for the loader/],
])('%j is refused, naming the setting', (args, message) => {
  expect(() => readConfig(args, {})).toThrow(message);
});

test('labels are read where they are written', () => {
  const config = readConfig([], { LOCKSTEP_AGENT_LABELS: 'rack=a1, tier=db' });
  expect(config === 'help' ? undefined : showLabels(config.labels ?? new Map())).toBe('rack=a1,tier=db');
});

test.each([
  [['--socket', 'loader.sock'], /--socket \(LOCKSTEP_LOADER_SOCKET\)/],
  [['--server', 'x:1'], /--server/],
  [['--allow-unsigned', 'all'], /--allow-unsigned/],
])('of a loader %j is refused', (args, message) => {
  expect(() => readLoaderConfig(args, {})).toThrow(message);
});

test('a loader goes by variables of its own', () => {
  const variables = { LOCKSTEP_LOADER_BUILD_KEYS: '/etc/keys', LOCKSTEP_AGENT_HOLD_FILE: '/etc/hold' };
  expect(readLoaderConfig(['--socket', '/run/l.sock'], variables)).toEqual({
    ...{ stateDir: '/var/lib/lockstep-loader', socket: '/run/l.sock', buildKeysFile: '/etc/keys' },
  });
});

test('--help', () => {
  expect(readLoaderConfig(['--help'], {})).toBe('help');
  expect(readConfig(['--help'], {})).toBe('help');
});
