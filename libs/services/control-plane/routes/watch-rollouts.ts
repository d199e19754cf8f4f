// SPDX-License-Identifier: GPL-2.0-only
import type { WatchRolloutsRequest, WatchRolloutsResponse } from '@lockstep/contracts/generated';
import { countThere } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { rolloutSummaryToWire, type ShownSummary } from '../views/rollout-view';
import { clusterNamed, orderVisibleTo, type NodeChooser } from './chosen-nodes';
import { mayLookAgain } from './next-look';

const summaryOf = ({ policy, plan, ...rollout }: RolloutRecord): ShownSummary => ({
  ...rollout,
  ...{
    kernelBuild: policy.kernelBuild,
    toSeq: policy.toSeq,
    nodeCount: plan.nodes.length,
    nodesThere: countThere(plan),
    breakGlass: policy.breakGlass,
    rollsBack: policy.undoes?.rollout,
  },
});

/** From memory: what is worked on is all that changes. */
export async function* watchRollouts(
  services: Uses<NodeChooser | 'rollouts'>,
  request: WatchRolloutsRequest,
  context: CallContext,
): AsyncGenerator<WatchRolloutsResponse> {
  const { db, rollouts } = services;
  const isVisible = orderVisibleTo(services, context);
  const cluster = await clusterNamed(db, request.cluster);
  let told: ReadonlyMap<string, RolloutRecord> | undefined;
  for (let isThere = !context.signal.aborted; isThere; isThere = await mayLookAgain(context.signal)) {
    const now = [...rollouts.inForceNow().values()]
      .flat()
      .filter((each) => cluster === undefined || each.cluster === cluster)
      .filter(({ cluster: its, policy }) => isVisible({ cluster: its, kernelBuild: policy.kernelBuild }));
    const news = now.filter((each) => {
      const before = told?.get(each.id);
      return before?.plan !== each.plan || before.status !== each.status;
    });
    // Of one that is no longer worked on its successor tells.
    const isFirst = told === undefined;
    told = new Map(now.map((each) => [each.id, each]));
    if (isFirst || news.length > 0) {
      yield { rollouts: news.map((each) => rolloutSummaryToWire(summaryOf(each), each.plan)) };
    }
  }
}
