// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import {
  RollBackRolloutRequest,
  type CampaignMember,
  type PlanRollbackResponse,
  type UndoneMember,
} from '@lockstep/contracts/generated';
import { leafCommand, type Answer, type Cli, type LeafOptions, type TaskContext } from '../cli';
import { followRollout } from '../follow-rollout';
import { membersToUndo, undoMembers, type Undoing } from '../undo-campaign';
import { planDocument } from '../views/plan-view';
import { rollbackPlanText } from '../views/rollback-view';
import { undoneDocument, undoneLine, undoneText } from '../views/undone-campaign-view';

interface Options extends LeafOptions {
  readonly plan?: boolean;
  readonly reason?: string;
  readonly supersede?: boolean;
  readonly wait?: boolean;
}

/** Of each cluster what would be done, by which nothing is. */
async function show({ fleet, signal }: TaskContext, members: readonly CampaignMember[]): Promise<Answer> {
  const plans: [CampaignMember, PlanRollbackResponse][] = [];
  for (const member of members) {
    if (member.rolloutId === '') continue;
    const rollback = RollBackRolloutRequest.fromPartial({ id: member.rolloutId });
    plans.push([member, await fleet.planRollback({ rollback }, { signal })]);
  }
  const texts = plans.map(([{ cluster, rolloutId }, plan]) => `${cluster}\n${rollbackPlanText(plan, rolloutId)}`);
  return {
    document: { members: plans.map(([{ cluster }, plan]) => ({ cluster, ...planDocument(plan) })) },
    text: plans.length === 0 ? 'Nothing of it has been rolled out.' : texts.join('\n\n'),
  };
}

/** One after the other, the next when the one before has ended well; or all of them at once. */
async function undo(context: TaskContext, undoing: Undoing, inTurn: boolean): Promise<Answer> {
  const undone: UndoneMember[] = inTurn ? [] : await undoMembers(context, undoing);
  for (const member of inTurn ? await membersToUndo(context, undoing.id) : []) {
    const [one] = await undoMembers(context, undoing, member);
    if (one === undefined) continue;
    undone.push(one);
    if (one.rolloutId === '') continue;
    context.screen.say(undoneLine(one));
    const end = await followRollout(context, one.rolloutId);
    if (end.hasFailed === true) return end;
  }
  const hasFailed = undone.some(({ outcome }) => outcome === 'refused');
  return { document: undoneDocument(undoing.id, undone), text: undoneText(undone), hasFailed };
}

export const rollBackCampaign = (cli: Cli): Command =>
  leafCommand('rollback', 'undo a campaign, forward: end it, and roll back each of its rollouts, the last one first')
    .argument('<campaign>', 'id; asked again, what is not begun yet is')
    .option('--plan', 'show what each cluster would retire and whom that would move, and do nothing')
    .option('--reason <text>', 'why; kept with the campaign, where that has not ended')
    .option('--supersede', 'end other rollouts of the same load orders that are running or paused')
    .option('--wait', 'one cluster after the other, each to its end; ends at the first that halts (exit 5)')
    .action((id: string, { reason = 'rolled back', ...options }: Options) =>
      cli.run(options, async (context) => {
        if (options.plan === true) return show(context, await membersToUndo(context, id));
        return undo(context, { id, reason, supersede: options.supersede }, options.wait === true);
      }),
    );
