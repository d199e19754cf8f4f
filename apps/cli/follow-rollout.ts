// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type Rollout } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Answer, TaskContext } from './cli';
import type { Screen } from './screen';
import {
  hasSucceeded,
  nodeLine,
  rolloutDocument,
  rolloutStatusWord,
  rolloutText,
  waitingLine,
} from './views/rollout-view';

interface RolloutDisplay {
  show(rollout: Rollout): void;
  stop(): void;
}

/** On a terminal a bar of the nodes that are there; in a pipe a line whenever something new is known of a node. */
function rolloutDisplay(screen: Screen): RolloutDisplay {
  if (!screen.isTerminal) {
    const said = new Map<string, string>();
    let saidToWait = '';
    return {
      show({ nodes, waiting }) {
        const waits = waiting?.reason === 'window' || waiting?.reason === 'approval' ? waitingLine(waiting) : '';
        if (waits !== '' && waits !== saidToWait) screen.say(waits);
        saidToWait = waits;
        for (const node of nodes) {
          const line = nodeLine(node);
          if (said.get(node.node) !== line) screen.say(line);
          said.set(node.node, line);
        }
      },
      stop: () => undefined,
    };
  }
  const progress = screen.progress('rollout');
  return {
    show({ nodes, status, waiting: waits }) {
      const waiting = nodes.filter(({ notYet }) => notYet !== undefined);
      const awaited = nodes.filter(({ awaited: isAwaited }) => isAwaited);
      const detail =
        waits?.reason === 'window' || waits?.reason === 'approval'
          ? waitingLine(waits)
          : awaited.map(({ node, notYet }) => `${node} ${notYet?.reason ?? ''}`).join(', ');
      progress.update({
        done: nodes.length - waiting.length,
        total: nodes.length,
        detail: `nodes there, ${rolloutStatusWord(status)}${detail === '' ? '' : `: ${detail}`}`,
      });
    },
    stop() {
      progress.stop();
    },
  };
}

/**
 * Shows a rollout until it has ended, or has halted: then somebody has to say how it goes on, and may follow it again with that
 * word (`rollout resume --wait`). Anything but a success is a failed command.
 */
export async function followRollout(context: TaskContext, id: string): Promise<Answer> {
  const { fleet, screen, signal } = context;
  const display = rolloutDisplay(screen);
  let last: Rollout | undefined;
  try {
    for await (const { rollout } of fleet.watchRollout({ id }, { signal })) {
      if (rollout === undefined) continue;
      last = rollout;
      display.show(rollout);
    }
  } finally {
    display.stop();
  }
  if (last === undefined) {
    throw new LockstepError('internal', 'no-answer', `The server said nothing about rollout ${id}.`, { id });
  }
  const hasHalted = last.status === RolloutStatus.ROLLOUT_STATUS_HALTED;
  return { document: rolloutDocument(last), text: rolloutText(last), hasFailed: !hasSucceeded(last), hasHalted };
}
