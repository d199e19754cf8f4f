// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { RollBackRolloutRequest } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { followRollout } from '../follow-rollout';
import { ruleOptions, rulesFrom, type RuleOptions } from '../rule-options';
import { rollbackPlanText } from '../views/rollback-view';
import { planDocument } from '../views/plan-view';
import { rolloutDocument, rolloutText } from '../views/rollout-view';
import { describeEntry } from '../views/order-view';

interface Options extends LeafOptions, RuleOptions {
  /** True: show it. */
  readonly plan?: string | true;
  readonly supersede?: boolean;
  readonly wait?: boolean;
}

const requestOf = (id: string, options: Options): RollBackRolloutRequest =>
  RollBackRolloutRequest.fromPartial({
    id,
    canaries: options.canaries ?? 0,
    rules: rulesFrom(options),
    planHash: typeof options.plan === 'string' ? options.plan : '',
    supersede: options.supersede === true,
  });

export const rollBackRollout = (cli: Cli): Command =>
  ruleOptions(
    leafCommand('rollback', 'undo a rollout, forward: retire what it loaded, newest first, and roll that out'),
  )
    .argument(
      '<rollout>',
      'id of the rollout to undo; it goes by the same rules, without bake time, unless others are said',
    )
    .option(
      '--plan [hash]',
      'show what it would retire and whom it would move, and do nothing; with a hash: do exactly what was shown',
    )
    .option('--supersede', 'end another rollout of the same load order that is running or paused')
    .option('--wait', 'follow it to its end, or until it halts (exit 5)')
    .action((id: string, options: Options) =>
      cli.run(options, async (context) => {
        const { fleet, signal, screen } = context;
        const request = requestOf(id, options);
        if (options.plan === true) {
          const plan = await fleet.planRollback({ rollback: request }, { signal });
          return { document: planDocument(plan), text: rollbackPlanText(plan, id) };
        }
        const { rollout, entries } = await fleet.rollBackRollout(request, { signal });
        if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
        const appended = entries.map((entry) => `Appended: ${describeEntry(entry)}.`);
        if (options.wait !== true) {
          return { document: rolloutDocument(rollout), text: [...appended, rolloutText(rollout)].join('\n') };
        }
        for (const line of appended) screen.say(line);
        screen.say(`Rollout ${rollout.id} to position ${rollout.toSeq} rolls ${id} back`);
        return followRollout(context, rollout.id);
      }),
    );
