// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { nodeDocument, nodeTable } from '../views/node-view';

interface Words {
  readonly names: string[];
  readonly set: Record<string, string>;
  readonly remove: string[];
}

/** `n1 n2 rack=a1 zone-`: no name has a "=", none ends in "-". */
function sortOut(words: readonly string[]): Words {
  const names = words.filter((word) => !word.includes('=') && !word.endsWith('-'));
  const remove = words.filter((word) => !word.includes('=') && word.endsWith('-')).map((word) => word.slice(0, -1));
  const pairs = words
    .filter((word) => word.includes('='))
    .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const);
  const twice = pairs.find(([key], at) => pairs.findIndex(([other]) => other === key) !== at);
  if (twice !== undefined) {
    throw new LockstepError('invalid-input', 'usage', `The label ${twice[0]} is given twice: say one value.`);
  }
  if (names.length === 0 || pairs.length + remove.length === 0) {
    const message = 'Name nodes and labels: lockstep node label NODE… KEY=VALUE sets one, KEY- removes one.';
    throw new LockstepError('invalid-input', 'usage', message);
  }
  return { names, set: Object.fromEntries(pairs), remove };
}

export const labelNodes = (cli: Cli): Command =>
  leafCommand('label', 'set and remove labels of nodes: n1 n2 rack=a1 zone-')
    .argument('<words...>', 'names of nodes, KEY=VALUE to set a label, KEY- to remove one')
    .option('--overwrite', 'also where operators gave the label another value')
    .addHelpText(
      'after',
      "\nOf one key the operators' word counts, and the agent's (LOCKSTEP_AGENT_LABELS) when that is removed.",
    )
    .action((words: readonly string[], { overwrite = false, ...options }: LeafOptions & { overwrite?: boolean }) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { nodes } = await fleet.labelNodes({ ...sortOut(words), overwrite }, { signal });
        return {
          document: { nodes: nodes.map(nodeDocument) },
          text: nodeTable(nodes, { showLabels: true }),
          names: nodes.map(({ name }) => name),
        };
      }),
    );
