// SPDX-License-Identifier: GPL-2.0-only
import { switchingToWire } from '@lockstep/contracts/wire';
import { RolloutStatus, BuildStatus, NodeStatus } from '@lockstep/contracts/generated';
import type { OperatorClient } from '@lockstep/io/rpc-client';
import { benchLog, patchNameOf, type HistorySize } from './fill-database';

export interface CallFigures {
  readonly call: string;
  readonly times: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

type Ask = (round: number) => Promise<unknown>;

const deadline = { deadlineMs: 120_000 };
const { cluster, kernelBuild: kernelBuildId } = benchLog;

/** Every page of a list, one after the other, as each round's: the last page is asked for as often as the first. */
function paging(
  list: (pageToken: string | undefined) => Promise<{ readonly nextPageToken?: string | undefined }>,
): Ask {
  let next: string | undefined;
  return async () => {
    next = (await list(next)).nextPageToken;
  };
}

/** What operators ask, by name. A change is made over and over, so each round is another one. */
function callsOf({ fleet, build }: OperatorClient, size: HistorySize): Readonly<Record<string, Ask>> {
  const patches = Math.ceil(size.entries / 2) + 100;
  let rolloutId = '';
  let buildId = '';
  const load = {
    cluster,
    kernelBuildId,
    overrides: [],
    expectedSeq: 0,
    mayInterrupt: false,
    buildId: '',
    ...switchingToWire({}),
  };
  return {
    'ListNodes, a page': paging((pageToken) => fleet.listNodes({ cluster, selector: '', pageToken }, deadline)),
    'ListNodes, a page, masked': paging((pageToken) =>
      fleet.listNodes({ cluster, selector: '', pageToken, readMask: 'name,connected,report.status' }, deadline),
    ),
    'ListNodes, a status that none has': () =>
      fleet.listNodes({ cluster, selector: '', status: NodeStatus.NODE_STATUS_FAILED }, deadline),
    'ListRollouts, a page': paging(async (pageToken) => {
      const page = await fleet.listRollouts({ cluster, pageToken }, deadline);
      rolloutId = page.rollouts[0]?.id ?? rolloutId;
      return page;
    }),
    'ListRollouts, halted ones': paging((pageToken) =>
      fleet.listRollouts({ cluster: '', status: RolloutStatus.ROLLOUT_STATUS_HALTED, pageToken }, deadline),
    ),
    'ListPatches, a page': paging((pageToken) => build.listPatches({ pageToken }, deadline)),
    'ListBuilds, a page': paging(async (pageToken) => {
      const page = await build.listBuilds({ pageToken }, deadline);
      buildId = page.builds[0]?.id ?? buildId;
      return page;
    }),
    'ListBuilds, of a kernel build, failed': () =>
      build.listBuilds({ kernelBuildId, status: BuildStatus.BUILD_STATUS_FAILED }, deadline),
    ListClusters: () => fleet.listClusters({}, deadline),
    ListKernels: () => build.listKernels({}, deadline),
    GetNode: (round) => fleet.getNode({ name: `node-${String(1 + (round % size.nodes)).padStart(5, '0')}` }, deadline),
    GetRollout: () => fleet.getRollout({ id: rolloutId }, deadline),
    GetPatch: (round) => build.getPatch({ patch: patchNameOf(round % patches) }, deadline),
    GetBuild: () => build.getBuild({ id: buildId }, deadline),
    GetOrder: () => fleet.getOrder({ cluster, kernelBuildId }, deadline),
    CheckConflicts: (round) =>
      fleet.checkConflicts({ cluster, patch: patchNameOf(patches - 1 - round), kernelBuildId, buildId: '' }, deadline),
    CreateJoinToken: (round) =>
      fleet.createJoinToken({ cluster, node: `new-${round}`, ttlSeconds: 0, allow: '', count: 0 }, deadline),
    CreateCluster: (round) => fleet.createCluster({ ...switchingToWire({}), name: `more-${round}` }, deadline),
    // An entry of a patch whose module is in no store is refused once it was looked for: all the reading is done then.
    'AppendLoad, up to the module': (round) =>
      fleet.appendLoad({ ...load, patch: patchNameOf(patches - 1 - round) }, deadline).catch(() => undefined),
    AppendRetire: (round) =>
      fleet
        .appendRetire(
          { cluster, kernelBuildId, seq: size.entries - (size.entries % 2) - 1 - round, expectedSeq: 0 },
          deadline,
        )
        .catch(() => undefined),
    StartRollout: () =>
      fleet.startRollout(
        {
          cluster,
          kernelBuildId,
          toSeq: 0,
          canaries: 1,
          waveSize: 500,
          rules: undefined,
          planHash: '',
          supersede: true,
        },
        deadline,
      ),
  };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Each call so many times, one at a time; the first, which fills caches, does not count. */
export async function measureCalls(
  operator: OperatorClient,
  size: HistorySize,
  times: number,
  say: (line: string) => void,
): Promise<CallFigures[]> {
  const figures: CallFigures[] = [];
  for (const [call, ask] of Object.entries(callsOf(operator, size))) {
    await ask(0);
    const tookMs: number[] = [];
    for (let round = 1; round <= times; round += 1) {
      const startedAt = performance.now();
      await ask(round);
      tookMs.push(performance.now() - startedAt);
    }
    tookMs.sort((a, b) => a - b);
    const [p50Ms, p99Ms] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
    say(`${call}: ${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)} ms`);
    figures.push({ call, times, p50Ms, p99Ms });
  }
  return figures;
}
