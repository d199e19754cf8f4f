// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { DomainSpread, RolloutRules, Share } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseGate, parseProbe, showGate, showProbe } from '@lockstep/domain/probes';
import { numberFromOne } from './cli';
import { duration, durationFromOne, share, shares } from './share-option';

/** How a rollout is to go. */
export interface RuleOptions {
  readonly canaries?: number;
  readonly waves?: Share[];
  readonly allowedFailures?: Share;
  readonly atOnce?: Share;
  readonly goOnAfterCrash?: boolean;
  readonly deadline?: number;
  readonly bake?: number;
  readonly probe?: string[];
  readonly probeEvery?: number;
  readonly probeTimeout?: number;
  readonly allowedErrors?: Share;
  readonly gate?: string[];
  readonly canarySelector?: string;
  readonly spread?: string;
  readonly atMost?: Share;
}

const probes = (text: string, before: readonly string[] = []): string[] => [...before, showProbe(parseProbe(text))];

const gates = (text: string, before: readonly string[] = []): string[] => [...before, showGate(parseGate(text))];

export const ruleOptions = (command: Command): Command =>
  command
    .option('--canaries <nodes>', 'nodes that go first, alone (default: 1)', numberFromOne)
    .option(
      '--canary-selector <selector>',
      'only nodes with these labels go first, as role=canary: all of them, or as many as --canaries says',
    )
    .option('--waves <sizes>', 'waves after that, as 5%,20%,100; the last is repeated (default: 10%)', shares)
    .option('--wave-size <size>', 'the same for waves that are all alike', shares)
    .option('--allowed-failures <share>', 'halt when more of a wave fail, as 2 or 1% (default: 1%)', share)
    .option('--at-once <share>', 'of a wave on their way or unwell at once (default: all of it)', share)
    .option('--spread <label>', 'spread over failure domains, as zone or rack: of each at most --at-most at once')
    .option('--at-most <share>', 'of a domain on their way or unwell at once, as 2 or 10% (default: 1)', share)
    .option('--go-on-after-crash', 'count a host that does not survive as any other failure')
    .option('--bake <time>', 'how long a wave must stay well before the next one opens (default: 0)', duration)
    .option(
      '--probe <probe>',
      'must pass on each node before its load and after it: http=URL or tcp=HOST:PORT of the node itself, command=NAME from its list; again for more',
      probes,
    )
    .option('--probe-every <time>', 'between runs of a probe (default: 10s)', durationFromOne)
    .option('--probe-timeout <time>', 'a probe that takes longer could not be measured (default: 5s)', durationFromOne)
    .option(
      '--gate <bound>',
      '[NAME=]PROMQL <= NUMBER (or <, >=, >, ==, !=): halt when it does not hold while a wave proves itself; again for more',
      gates,
    )
    .option(
      '--allowed-errors <share>',
      'pause for a person when more of a wave cannot be measured, as 2 or 1% (default: 0)',
      share,
    )
    .option(
      '--deadline <time>',
      'how long to wait for a node that does not arrive or is away (default: 15m)',
      durationFromOne,
    );

/** @throws LockstepError `usage`. */
function spreadFrom({ spread: label, atMost }: RuleOptions): DomainSpread | undefined {
  if (label !== undefined) return { label, atMost };
  if (atMost === undefined) return undefined;
  const message = 'Say of what at most so many go at once: --spread LABEL, as zone or rack.';
  throw new LockstepError('invalid-input', 'usage', message);
}

/** @throws LockstepError `usage`. */
export function rulesFrom(options: RuleOptions & { readonly waveSize?: Share[] }): RolloutRules {
  return {
    waves: options.waves ?? options.waveSize ?? [],
    allowedFailures: options.allowedFailures,
    atOnce: options.atOnce,
    goesOnAfterCrash: options.goOnAfterCrash === true,
    deadlineSeconds: options.deadline ?? 0,
    bakeSeconds: options.bake ?? 0,
    probes: options.probe ?? [],
    probeEveryMs: (options.probeEvery ?? 0) * 1_000,
    probeTimeoutMs: (options.probeTimeout ?? 0) * 1_000,
    allowedErrors: options.allowedErrors,
    gates: options.gate ?? [],
    canarySelector: options.canarySelector ?? '',
    spread: spreadFrom(options),
  };
}
