// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { RollBackRolloutRequest, type CampaignMember, type PlanRollbackResponse } from '@lockstep/contracts/generated';
import { leafCommand, type Answer, type Cli, type LeafOptions, type TaskContext } from '../cli';
import { followRollout } from '../follow-rollout';
import { endCampaign, membersToUndo, undoMember, type UndoneMember } from '../undo-campaign';
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
async function undo(context: TaskContext, id: string, { wait, supersede }: Options): Promise<Answer> {
  const undone: UndoneMember[] = [];
  for (const member of await membersToUndo(context, id)) {
    const one = await undoMember(context, member, supersede === true);
    undone.push(one);
    if (wait !== true || !('rollout' in one)) continue;
    context.screen.say(undoneLine(one));
    const end = await followRollout(context, one.rollout.id);
    if (end.hasFailed === true) return end;
  }
  const hasFailed = undone.some(({ kind }) => kind === 'refused');
  return { document: undoneDocument(id, undone), text: undoneText(undone), hasFailed };
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
        await endCampaign(context, id, reason);
        return undo(context, id, options);
      }),
    );
