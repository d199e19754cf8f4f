// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { BuildStatus, RolloutStatus } from '@lockstep/contracts/generated';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import type { FleetNode } from '../fleet-node';
import { patientOperator } from '../patient-operator';

// A real control plane tells of an entry, and real agents fetch its module before anybody tells them to load it.

let fleet: DevFleet;

jest.setTimeout(240_000);

beforeAll(async () => {
  fleet = await startDevFleet({ nodes: 2, queue: 'postgres', withLoaders: ['n2'] });
}, kernelTestSetupMs);
afterAll(() => fleet.stop());

/** sha256 of each module that is whole, wherever a half of the agent has it. */
function modulesOf({ stateDir }: FleetNode): string[] {
  const folder = path.dirname(stateDir);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ko'));
  return [
    ...new Set(
      files.map((file) =>
        createHash('sha256')
          .update(readFileSync(path.join(folder, file)))
          .digest('hex'),
      ),
    ),
  ];
}

it('a module is with every node before anybody is told to load it, and is not asked for again then', async () => {
  const operator = patientOperator(fleet);
  const built = await operator.submit('one', exampleDiff(fleet.release, ['a'], '1'));
  expect(built.status).toBe(BuildStatus.BUILD_STATUS_SUCCEEDED);
  const { body } = await operator.appendOver('one');
  const artifact = body?.$case === 'load' ? body.value.artifact : undefined;
  for (const node of fleet.nodes) {
    const isThere = (): true => {
      expect(modulesOf(node)).toEqual([artifact?.sha256]);
      return true;
    };
    await eventually(`the module is with ${node.name}`, isThere, { withinMs: 120_000 });
    expect(await node.holds()).toEqual([]);
  }
  // Nobody can have it from the control plane any more.
  rmSync(path.join(fleet.server.stateDir, 'artifacts'), { recursive: true });
  expect((await operator.rollOut()).status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
  for (const node of fleet.nodes) expect(await node.holds()).toEqual([artifact?.moduleName]);
});
