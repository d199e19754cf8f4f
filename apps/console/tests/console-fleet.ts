// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BuildStatus, OwnerKind, Priority, type Role } from '@lockstep/contracts/generated';
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
    ...{ allowedTypeChanges: undefined, fuzz: 0, mayChangeBuild: false, reproduce: false },
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

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Of a cluster without nodes: nobody waits for it. */
export async function addSchedule({ operator: { fleet } }: DevFleet): Promise<void> {
  await fleet.createCluster({ ...switchingToWire({}), name: 'shop' });
  const times = { zone: 'Asia/Tokyo', days, start: '02:00', lengthSeconds: 4 * 3_600, cutoffSeconds: 1_800 };
  await fleet.addWindow({ cluster: 'shop', name: 'night', selector: '', ...times });
  const [from, until] = [1, 3].map((inDays) => new Date(Date.now() + inDays * 86_400_000));
  await fleet.addFreeze({ name: 'fair', cluster: 'shop', selector: '', from, until, reason: 'too many guests' });
}

/** Of nodes that hold nothing yet. */
export async function startFleetWithConsole(
  nodes: number,
  env: Readonly<Record<string, string>> = {},
  httpPort?: number,
): Promise<ConsoleFleet> {
  const port = httpPort ?? (await freePort());
  const fleet = await startDevFleet({
    ...{ nodes, queue: 'postgres', transitionMs: 400 },
    env: { LOCKSTEP_HTTP_PORT: String(port), ...env },
  });
  const token = readFileSync(path.join(fleet.server.stateDir, 'operator.token'), 'utf8').trim();
  return { fleet, consoleUrl: `https://localhost:${port}/console/`, token };
}

const meminfoFix: PatchWanted = {
  ...{ name: 'meminfo-fix', changes: ['a', 'b', 'c'], mark: '1', cves: ['CVE-2024-1086'] },
  description: 'Answers for a node whose memory was never counted.',
};

/** All of them hold `meminfo-fix`. */
export async function rollOutMeminfoFix(fleet: DevFleet): Promise<void> {
  await submit(fleet, meminfoFix);
  await append(fleet, meminfoFix.name);
  await patientOperator(fleet).rollOut();
}

/**
 * Six nodes hold `meminfo-fix` and, over it in the load order, `loadavg-fix`, which shadows one of its functions; `cmdline-fix`
 * is built and would conflict with both.
 */
export async function startConsoleFleet(): Promise<ConsoleFleet> {
  const world = await startFleetWithConsole(6);
  const { fleet } = world;
  await rollOutMeminfoFix(fleet);
  await submit(fleet, { name: 'loadavg-fix', changes: ['a', 'd'], mark: '2', cves: ['CVE-2024-26581'] });
  await append(fleet, 'loadavg-fix');
  await submit(fleet, { name: 'cmdline-fix', changes: ['b', 'd'], mark: '3' });
  await addSchedule(fleet);
  return world;
}

/** An access token of one role, everywhere. */
export async function tokenOf({ fleet }: ConsoleFleet, role: Role, owner: string): Promise<string> {
  const secret = `lockstep_${randomBytes(24).toString('base64url')}`;
  await fleet.operator.access.createToken({
    ...{ name: owner, owner, ownerKind: OwnerKind.OWNER_KIND_PERSON, roles: [role], ttlSeconds: 0 },
    scope: { everywhere: true, clusters: [], selector: '' },
    secretSha256: createHash('sha256').update(secret).digest('hex'),
    certificateRequest: '',
  });
  return secret;
}
