// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { StartCampaignRequest } from '@lockstep/contracts/generated';
import { collect, numberFromOne } from './cli';
import { ruleOptions, rulesFrom, type RuleOptions } from './rule-options';

/** Which campaign, and how it is to go: the same words to plan it and to start it. */
export interface CampaignOptions extends RuleOptions {
  readonly cluster: readonly string[];
  readonly clustersAtOnce?: number;
  readonly goOnAfterHalt?: boolean;
}

export const campaignOptions = (command: Command): Command =>
  ruleOptions(command)
    .argument('<patch>', 'name or id')
    .requiredOption('--cluster <cluster>', 'where it goes, again for each; they get their turn in this order', collect)
    .option('--clusters-at-once <count>', 'so many rollouts of it may be under way at once (default: 1)', numberFromOne)
    .option('--go-on-after-halt', 'one that halts, or cannot begin, does not hold those that have not begun');

export const campaignRequest = (patch: string, options: CampaignOptions, planHash: string): StartCampaignRequest => ({
  ...{ patch, clusters: [...options.cluster], canaries: options.canaries ?? 0, rules: rulesFrom(options), planHash },
  membersAtOnce: options.clustersAtOnce ?? 0,
  goesOnAfterHalt: options.goOnAfterHalt === true,
});
