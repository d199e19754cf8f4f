// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { followRollout } from '../follow-rollout';

export const watchRollout = (cli: Cli): Command =>
  leafCommand('watch', 'follow a rollout to its end; exit 1 unless it succeeds')
    .argument('<rollout>', 'id')
    .action((id: string, options: LeafOptions) => cli.run(options, (context) => followRollout(context, id)));
