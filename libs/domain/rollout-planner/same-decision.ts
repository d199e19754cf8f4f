// SPDX-License-Identifier: GPL-2.0-only
import { sameApprovals } from './approvals';
import type { NodePlan, NotYet, RolloutPlan, WavePlan } from './rollout-plan';

const sameList = <T>(a: readonly T[], b: readonly T[], same: (a: T, b: T) => boolean): boolean =>
  a.length === b.length && a.every((each, index) => same(each, b[index] as T));

const equal = <T>(a: T, b: T): boolean => a === b;

const sameWave = (a: WavePlan, b: WavePlan): boolean =>
  a.gatesWaived === b.gatesWaived &&
  a.bakesSinceMs === b.bakesSinceMs &&
  (a.passedAtMs === null) === (b.passedAtMs === null);

/** What must be stored before anything comes of it: everything else is seen again after a restart. */
const sameDecision = (a: RolloutPlan, b: RolloutPlan): boolean =>
  a.status === b.status &&
  sameApprovals(a.approvals, b.approvals) &&
  sameList(a.waves, b.waves, sameWave) &&
  sameList(
    a.nodes,
    b.nodes,
    (x, y) =>
      x.node === y.node &&
      x.wave === y.wave &&
      x.released === y.released &&
      x.excused === y.excused &&
      x.unwellBefore === y.unwellBefore &&
      (!x.released || x.troubleBefore === y.troubleBefore) &&
      x.triesAgain === y.triesAgain,
  );

/** What a reason says beside itself; a position is the node's. */
function detailOf(notYet: NotYet | null): string | number {
  if (notYet === null) return '';
  if ('problem' in notYet) return notYet.problem;
  if ('domain' in notYet)
    return `${notYet.domain} ${notYet.onTheWay} ${notYet.failures} ${notYet.unmeasured ?? 0} ${notYet.atMost}`;
  if ('closed' in notYet) return `${notYet.closed.name} ${notYet.closed.opensAtMs}`;
  return 'wave' in notYet ? notYet.wave : '';
}

const sameWordsOfNode = (a: NodePlan, b: NodePlan): boolean =>
  a.position === b.position &&
  a.sinceMs === b.sinceMs &&
  a.triesSinceMs === b.triesSinceMs &&
  a.domain === b.domain &&
  a.notYet?.reason === b.notYet?.reason &&
  detailOf(a.notYet) === detailOf(b.notYet) &&
  sameList(a.obstacles ?? [], b.obstacles ?? [], equal);

/** Approvals expire by themselves. */
const givenOf = ({ waiting }: RolloutPlan): number | undefined =>
  waiting?.reason === 'approval' ? waiting.given : undefined;

const sameWords = (a: RolloutPlan, b: RolloutPlan): boolean =>
  a.openWave?.wave === b.openWave?.wave &&
  a.openWave?.open === b.openWave?.open &&
  sameList(a.openWave?.nodes ?? [], b.openWave?.nodes ?? [], equal) &&
  a.waiting?.reason === b.waiting?.reason &&
  a.waiting?.untilMs === b.waiting?.untilMs &&
  givenOf(a) === givenOf(b) &&
  sameList(a.nodes, b.nodes, sameWordsOfNode) &&
  sameList(a.moves, b.moves, (x, y) => x.node === y.node && x.toSeq === y.toSeq);

/** A plan is a new one only if it decides something. */
export function inNewestWords(parent: RolloutPlan | null, plan: RolloutPlan): RolloutPlan {
  if (parent === null || !sameDecision(parent, plan)) return plan;
  return sameWords(parent, plan) ? parent : { ...plan, generation: parent.generation, parent: parent.parent };
}
