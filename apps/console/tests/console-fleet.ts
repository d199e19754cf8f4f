// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BuildStatus, Priority } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import {
  eventually,
  exampleDiff,
  patientOperator,
  startDevFleet,
  type DevFleet,
  type Letter,
} from '@lockstep/testing/dev-fleet';
import { freePort } from '@lockstep/testing/local-servers';

/** A fleet with a history worth looking at, and the address of its console. */
export interface ConsoleFleet {
  readonly fleet: DevFleet;
  readonly consoleUrl: string;
  /** Of the first administrator. */
  readonly token: string;
}

interface PatchWanted {
  readonly name: string;
  readonly changes: readonly Letter[];
  readonly mark: string;
  readonly cves?: readonly string[];
  readonly description?: string;
}

const builtWithinMs = 180_000;

async function submit({ operator, release }: DevFleet, wanted: PatchWanted): Promise<void> {
  const { name, changes, mark, cves = [], description = '' } = wanted;
  const { builds } = await operator.build.submitPatch({
    ...{ name, description, author: 'Ada Lovelace <ada@example.org>', cves: [...cves] },
    diff: Buffer.from(exampleDiff(release, changes, mark)),
    ...{ kernelBuildIds: [], priority: Priority.PRIORITY_NORMAL, onto: undefined },
    ...{ allowedTypeChanges: undefined, fuzz: 0, mayChangeBuild: false },
  });
  await eventually(
    `${name} is built`,
    async () => {
      const { build } = await operator.build.getBuild({ id: builds[0]?.id ?? '' });
      return build?.status === BuildStatus.BUILD_STATUS_SUCCEEDED ? true : undefined;
    },
    { withinMs: builtWithinMs, everyMs: 200 },
  );
}

/** Over whatever it conflicts with. */
export async function append({ operator, cluster, kernelBuild }: DevFleet, patch: string): Promise<void> {
  const log = { cluster, kernelBuildId: kernelBuild };
  const { conflicts } = await operator.fleet.checkConflicts({ ...log, patch, buildId: '' });
  const overrides = [...new Set(conflicts.map(({ ownerSeq }) => String(ownerSeq)))];
  const more = { expectedSeq: 0, mayInterrupt: false, buildId: '', ...switchingToWire({}) };
  await operator.fleet.appendLoad({ ...log, patch, overrides, ...more });
}

/**
 * Six nodes hold `meminfo-fix` and, over it, `loadavg-fix`, which shadows one of its functions; `cmdline-fix` is built and would
 * conflict with both.
 */
export async function startConsoleFleet(): Promise<ConsoleFleet> {
  const port = await freePort();
  const fleet = await startDevFleet({
    ...{ nodes: 6, queue: 'postgres', transitionMs: 400 },
    env: { LOCKSTEP_HTTP_PORT: String(port) },
  });
  const cves = ['CVE-2024-1086'];
  const description = 'Answers for a node whose memory was never counted.';
  await submit(fleet, { name: 'meminfo-fix', changes: ['a', 'b', 'c'], mark: '1', cves, description });
  await append(fleet, 'meminfo-fix');
  await patientOperator(fleet).rollOut();
  await submit(fleet, { name: 'loadavg-fix', changes: ['a', 'd'], mark: '2', cves: ['CVE-2024-26581'] });
  await append(fleet, 'loadavg-fix');
  await submit(fleet, { name: 'cmdline-fix', changes: ['b', 'd'], mark: '3' });
  const token = readFileSync(path.join(fleet.server.stateDir, 'operator.token'), 'utf8').trim();
  return { fleet, consoleUrl: `https://localhost:${port}/console/`, token };
}
