// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Rollout, StartRolloutRequest } from '@lockstep/contracts/generated';
import { leafCommand, type Cli, type LeafOptions, type TaskContext } from '../cli';
import { followRollout } from '../follow-rollout';
import { insistNoCanaries, rolloutOptions, rolloutRequest, type RolloutOptions } from '../rollout-request';
import { caveatLines, rolloutDocument, rolloutText } from '../views/rollout-view';

interface Options extends LeafOptions, RolloutOptions {
  readonly plan?: string;
  readonly supersede?: boolean;
  readonly wait?: boolean;
  readonly breakGlass?: boolean;
  readonly reason?: string;
}

const begin = (
  { fleet, signal }: TaskContext,
  { cluster, kernelBuildId, toSeq, rules, planHash, supersede, canaries }: StartRolloutRequest,
  { breakGlass, reason = '' }: Options,
): Promise<{ readonly rollout?: Rollout | undefined }> => {
  const usual = { cluster, kernelBuildId, toSeq, rules, planHash, supersede };
  if (breakGlass !== true) {
    if (reason === '') return fleet.startRollout({ ...usual, canaries, waveSize: 0 }, { signal });
    throw new LockstepError('invalid-input', 'usage', '--reason is of --break-glass: leave it out.');
  }
  insistNoCanaries(canaries);
  if (reason !== '') return fleet.breakGlass({ ...usual, reason }, { signal });
  throw new LockstepError(
    'invalid-input',
    'usage',
    'Say why the glass is broken, with --reason TEXT: it is told to everybody.',
  );
};

export const startRollout = (cli: Cli): Command =>
  rolloutOptions(leafCommand('start', "move the cluster's nodes to a position of the load order, wave by wave"))
    .option(
      '--plan <hash>',
      'begin exactly what `rollout plan` has shown of that --cluster; of several control planes, with the same options as there',
    )
    .option('--supersede', 'end one of the same load order that is running or paused, and go on from where it stands')
    .option(
      '--break-glass',
      'an emergency: waves of 5, 25, 50, 90, 100 % within three hours, whatever windows, approvals and bake times say; needs --reason, and a second person confirms it afterwards',
    )
    .option('--reason <text>', 'of --break-glass: why; told to everybody')
    .option('--wait', 'follow it to its end, or until it halts (exit 5)')
    .action(({ plan: planHash = '', ...options }: Options) =>
      cli.run(options, async (context) => {
        const asked = await rolloutRequest(context, options, planHash);
        const { rollout } = await begin(context, { ...asked, supersede: options.supersede === true }, options);
        if (rollout === undefined) throw new LockstepError('internal', 'no-answer', 'The server named no rollout.');
        if (options.wait !== true) return { document: rolloutDocument(rollout), text: rolloutText(rollout) };
        context.screen.say(`Rollout ${rollout.id} to position ${rollout.toSeq}`);
        for (const line of caveatLines(rollout)) context.screen.say(line);
        return followRollout(context, rollout.id);
      }),
    );
