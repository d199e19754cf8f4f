// SPDX-License-Identifier: GPL-2.0-only
import type { DemoMachine } from './machines';
import { Refused, type NodeState, type Operator } from './operator';

/** The demo's own. */
export const cluster = 'demo';
export const nodeNames = ['node-1', 'node-2', 'node-3'] as const;

const settleWithinMs = 180_000;

/** Asks until `arrived` holds for the nodes, or says how far they came. */
export async function waitForNodes(
  operator: Operator,
  signal: AbortSignal,
  what: string,
  arrived: (nodes: readonly NodeState[]) => boolean,
): Promise<NodeState[]> {
  const deadline = performance.now() + settleWithinMs;
  for (;;) {
    signal.throwIfAborted();
    const asked = performance.now();
    const nodes = await operator.nodes(cluster);
    if (arrived(nodes)) return nodes;
    if (performance.now() > deadline) {
      throw new Error(`not within ${settleWithinMs / 1000} s: ${what}. The nodes are: ${JSON.stringify(nodes)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs(performance.now() - asked)));
  }
}

/**
 * Until the next question. Each one is a program that starts, and emulated machines want the same processors: it may have a
 * fourth of one.
 */
export const pauseMs = (lastQuestionMs: number): number => Math.max(500, 3 * lastQuestionMs);

/** In step at the position, as each machine told it in the boot that it is in now. */
export const isAt = (position: number, nodes: readonly NodeState[], machines: readonly DemoMachine[]): boolean =>
  machines.every(({ node: name, machine }) => {
    const { connected, report } = nodes.find((candidate) => candidate.name === name) ?? {};
    const isToday = report?.bootId === machine.bootId;
    return connected === true && isToday && report?.status === 'in-step' && report.position === position;
  });

/** Rolls what was appended last out, and waits for the end. */
export async function rollOut(operator: Operator, patch: string): Promise<void> {
  const status = await operator.watchRollout(await operator.startRollout(cluster));
  if (status !== 'succeeded') throw new Error(`the rollout of ${patch} ended as "${status}"`);
}

/** An append without an override must be refused as a conflict; anything else ends the demo. @returns what was said */
export async function expectRefusal(patch: string, append: () => Promise<unknown>): Promise<string> {
  try {
    await append();
  } catch (error) {
    if (error instanceof Refused && error.reason === 'unforced-conflict') return error.message;
    throw error;
  }
  throw new Error(`the load order took patch ${patch}, which conflicts with another one, without an override`);
}
