// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { RolloutStatus } from '@lockstep/contracts/generated';
import { entryFromWire, nodeStatusFromWire } from '@lockstep/contracts/wire';
import type { LogEntry } from '@lockstep/domain/load-order';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { auditedLog, journalFaults, kernelFaults } from '../fleet-audit';
import { runLockstep, type CommandResult } from '../lockstep-command';
import { patientOperator, type PatientOperator } from '../patient-operator';
import { seededRandom } from '@lockstep/testing/seeded-random';

/** A control plane whose database is put back to an older state, and agents that still know what it has lost. */
let fleet: DevFleet;
let operator: PatientOperator;
/** The log before it was lost. */
let whole: readonly LogEntry[];

jest.setTimeout(300_000);

const patience = { withinMs: 90_000 };

const databaseDir = (): string => path.join(fleet.server.stateDir, 'postgres');
const backupDir = (): string => path.join(fleet.folder, 'backup');
/** With its owner, who alone may run it. */
const copy = (from: string, to: string): void => {
  execFileSync('cp', ['-a', from, to]);
};
const lockstep = (...args: string[]): Promise<CommandResult> => runLockstep(fleet.server.stateDir, args);

async function statuses(): Promise<Record<string, string | undefined>> {
  const { nodes } = await fleet.operator.fleet.listNodes({ cluster: fleet.cluster, selector: '', withoutCve: '' });
  return Object.fromEntries(
    nodes.map(({ name, connected, report }) => [
      name,
      connected && report !== undefined ? nodeStatusFromWire(report.status) : 'off',
    ]),
  );
}

const untilStatuses = (expected: Record<string, string>): Promise<boolean> =>
  eventually(
    `nodes are ${JSON.stringify(expected)}`,
    async () => {
      const found = await statuses();
      if (Object.entries(expected).every(([name, status]) => found[name] === status)) return true;
      throw new Error(JSON.stringify(found));
    },
    patience,
  );

beforeAll(async () => {
  fleet = await startDevFleet({ nodes: 3, queue: 'postgres' });
  operator = patientOperator(fleet);
  await operator.submit('a', exampleDiff(fleet.release, ['a'], '1'));
  await operator.submit('early', exampleDiff(fleet.release, ['d'], '1'));
  await operator.appendOver('a');
  await operator.rollOut();
  // The backup: the database's own files, while it is at rest.
  await fleet.server.stop();
  copy(databaseDir(), backupDir());
  await fleet.server.start();
  await fleet.settled();
  await operator.appendOver('early');
  await operator.rollOut();
  // From here on n3 hears nothing more: it knows a part of what will be lost.
  await fleet.nodes[2]!.agent.stop();
  await operator.submit('late', exampleDiff(fleet.release, ['b'], '1'));
  await operator.appendOver('late');
  await operator.retire(1);
  await eventually(
    'the others know all of it',
    async () => {
      const { nodes } = await fleet.operator.fleet.listNodes({ cluster: fleet.cluster, selector: '', withoutCve: '' });
      return nodes.filter(({ report }) => report?.headSeq === 4).length === 2 ? true : undefined;
    },
    patience,
  );
  whole = await auditedLog(fleet);
  await fleet.server.stop();
  renameSync(databaseDir(), `${databaseDir()}.lost`);
  copy(backupDir(), databaseDir());
  await fleet.server.start();
  fleet.nodes[2]!.agent.start();
}, kernelTestSetupMs);

afterAll(() => fleet.stop());

const sessionsIn = (logFile: string): number => readFileSync(logFile, 'utf8').split('"message":"connected"').length - 1;

describe('a control plane restored from an older backup', () => {
  it('sees that its nodes are ahead, says what to type, and lets them wait in peace', async () => {
    await untilStatuses({ n1: 'ahead', n2: 'ahead', n3: 'ahead' });
    const { code, stdout } = await lockstep('node', 'show', 'n1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Status: +ahead$/m);
    expect(stdout).toMatch(/up to #4 .*has it only up to #1.*lockstep order recover --cluster dev --kernel-build/);
    const logFiles = fleet.nodes.map(({ agent }) => agent.logFile);
    const before = logFiles.map(sessionsIn);
    await sleep(5_000);
    expect(logFiles.map(sessionsIn)).toEqual(before);
  });

  it('appends nothing that would part it from them', async () => {
    const { code, stderr } = await lockstep('order', 'append', 'early', '--cluster', 'dev');
    expect(code).toBe(1);
    expect(stderr).toMatch(/n1, n2, n3 knows? entries .*lockstep order recover/);
    expect(await operator.entries()).toHaveLength(1);
  });

  it('killed again and again in the middle, it has recovered all or nothing', async () => {
    const random = seededRandom(5);
    for (let round = 0, length = 1; round < 8 && length === 1; round += 1) {
      await untilStatuses({ n1: 'ahead' });
      const { cluster, kernelBuild } = fleet;
      const request = { cluster, kernelBuildId: kernelBuild, from: [] };
      const asked = fleet.operator.fleet.recoverOrder(request).catch(() => undefined);
      await sleep(random.below(250));
      await fleet.server.process.kill();
      await asked;
      await fleet.server.start();
      const log = await auditedLog(fleet);
      length = log.length;
      expect(log).toEqual(whole.slice(0, length));
      expect([1, 4]).toContain(length);
    }
  });

  it('takes it back, and all goes on from where it was', async () => {
    if ((await operator.entries()).length === 1) {
      await untilStatuses({ n1: 'ahead', n2: 'ahead', n3: 'ahead' });
      const { code, stdout } = await lockstep('order', 'recover', '--cluster', 'dev', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        nodes: ['n1', 'n2', 'n3'],
        lost: [{ seq: 3, patchName: 'late', module: false, diff: true }],
      });
    }
    expect((await operator.entries()).map(entryFromWire)).toEqual(whole);
    expect((await operator.rollOut()).status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
    await fleet.settled();
    expect(await kernelFaults(fleet, whole)).toEqual([]);
    expect(await journalFaults(fleet, whole)).toEqual([]);
  });

  it('serves the modules that it lost the builds of, and says which diff it needs to build onto them', async () => {
    const newcomer = await fleet.addNode('n4');
    newcomer.agent.start();
    await eventually(
      'the newcomer has the stack',
      async () => {
        const held = await newcomer.holds();
        return held.join() === (await fleet.nodes[0]!.holds()).join() && held.length === 2 ? true : undefined;
      },
      patience,
    );
    const file = path.join(fleet.folder, 'more.patch');
    writeFileSync(file, exampleDiff(fleet.release, ['c'], '1'));
    const onto = ['patch', 'submit', file, '--name', 'more', '--cluster', 'dev', '--onto', '4', '--wait'];
    expect(await lockstep(...onto)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/diff of late is not known here/) as unknown,
    });
    await operator.submit('late', exampleDiff(fleet.release, ['b'], '1'));
    expect(await lockstep(...onto)).toMatchObject({ code: 0, stderr: '' });
    await operator.appendOver('more');
    await operator.retire(5);
    expect((await operator.rollOut()).status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
    rmSync(file);
  });
});
