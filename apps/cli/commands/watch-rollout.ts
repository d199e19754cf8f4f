// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { followRollout } from '../follow-rollout';

export const watchRollout = (cli: Cli): Command =>
  leafCommand('watch', 'follow a rollout to its end, or until it halts (exit 5); exit 1 if it ends otherwise than well')
    .argument('<rollout>', 'id')
    .action((id: string, options: LeafOptions) => cli.run(options, (context) => followRollout(context, id)));
