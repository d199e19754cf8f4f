// SPDX-License-Identifier: GPL-2.0-only
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { pino } from 'pino';
import { createControlPlane, readControlPlaneConfig, type ControlPlane } from '../index';

// A start that does not come to its end, because it is stopped or fails, leaves nothing that runs, or is being started.

let folder: TemporaryFolder;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await temporaryFolder('stopped-start');
  env = {
    LOCKSTEP_STATE_DIR: path.join(folder.path, 'state'),
    LOCKSTEP_AUTO_INIT: 'on',
    LOCKSTEP_OPERATOR_PORT: String(await freePort()),
    LOCKSTEP_AGENT_PORT: String(await freePort()),
    LOCKSTEP_POSTGRES_PORT: String(await freePort()),
    LOCKSTEP_MONITORING_LISTEN: 'off',
  };
});
afterAll(() => folder.remove());

const inState = (file: string): string => path.join(folder.path, 'state', file);
const make = (over: Record<string, string> = {}): ControlPlane =>
  createControlPlane(readControlPlaneConfig({ ...env, ...over }), {
    log: pino({ level: 'silent' }),
    onFatal: () => undefined,
  });

/** The folder of a database that is being made, a server that runs, and where a control plane answers. */
const running = (): string[] =>
  ['postgres/data.new', 'postgres/data/postmaster.pid', 'endpoint.json'].filter((file) => existsSync(inState(file)));

test('a part that cannot be opened ends it when those before have been opened, and closed again', async () => {
  const file = path.join(folder.path, 'a-file');
  await writeFile(file, '');
  await expect(make({ LOCKSTEP_ARTIFACT_DIR: path.join(file, 'artifacts') }).start()).rejects.toThrow();
  // What is begun nevertheless shows after a while.
  await sleep(500);
  expect(running()).toEqual([]);
});

// In this order: each begins where the one before left off.
test.each(['postgres/data/postmaster.pid', 'operator.token'])(
  'stopped as soon as there is %s, it ends, and so does its database',
  async (file) => {
    const plane = make();
    const started = plane.start().then(
      () => undefined,
      (error: unknown) => error,
    );
    while (!existsSync(inState(file))) await sleep(2);
    await plane.stop();
    expect(running()).toEqual([]);
    expect([undefined, expect.objectContaining({ kind: 'cancelled', reason: 'stopping' })]).toContainEqual(
      await started,
    );
  },
);
