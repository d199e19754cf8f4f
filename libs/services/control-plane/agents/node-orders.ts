// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus, type NodeReport } from '@lockstep/contracts/generated';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeOrder, NodeOrderStore } from '@lockstep/io/database';
import type { Logger } from 'pino';
import type { AgentSessions } from './agent-sessions';
import type { NodeSession } from './node-session';

export interface NodeOrdersParts {
  readonly store: NodeOrderStore;
  readonly sessions: Pick<AgentSessions, 'find'>;
  /** Others are to read them again. */
  readonly announce: () => void;
  readonly log: Logger;
}

const keyOf = (order: NodeOrder): string => JSON.stringify(order);

function tell(session: NodeSession, order: NodeOrder): void {
  if (order.kind === 'release') session.release(order.crashedBootId);
  else session.repair(order.modules);
}

/** Does the report show that it was done, or that there is nothing to do any more? */
function isDone(order: NodeOrder, { status, stack, quarantine }: NodeReport): boolean {
  if (order.kind === 'release') return quarantine?.crashedBootId !== order.crashedBootId || quarantine.released;
  // One that is moving may not have looked yet.
  if (status === NodeStatus.NODE_STATUS_MOVING) return false;
  return !stack.some(({ moduleName }) => order.modules.some((module) => module === moduleName));
}

/**
 * Operators' words to single nodes, as long as they are not done. They are in the database before the operator has an answer,
 * and told to the node by whoever holds its stream, with each stream anew: neither a message that was lost nor an end of a
 * stream or of a control plane makes them forgotten. An agent that is told twice does nothing the second time.
 */
export class NodeOrders {
  private orders = new Map<string, NodeOrder>();

  constructor(private readonly parts: NodeOrdersParts) {}

  /** At the start; and where there are other control planes whenever they may have been given one. */
  async readAgain(): Promise<void> {
    const before = this.orders;
    this.orders = new Map((await this.parts.store.list()).map((order) => [keyOf(order), order]));
    for (const [key, order] of this.orders) if (!before.has(key)) this.tellHere(order);
  }

  /** Resolves when it is kept. */
  async give(order: NodeOrder): Promise<void> {
    await this.parts.store.give(order);
    for (const [key, { node, kind }] of this.orders) {
      if (node === order.node && kind === order.kind) this.orders.delete(key);
    }
    this.orders.set(keyOf(order), order);
    this.tellHere(order);
    this.parts.announce();
  }

  /** Its stream has begun. */
  remind(session: NodeSession): void {
    for (const order of this.of(session.node)) tell(session, order);
  }

  noteReport(node: NodeName, report: NodeReport): void {
    for (const order of this.of(node)) if (isDone(order, report)) this.end(order);
  }

  private of(node: NodeName): NodeOrder[] {
    return this.orders.size === 0 ? [] : [...this.orders.values()].filter((order) => order.node === node);
  }

  private tellHere(order: NodeOrder): void {
    const session = this.parts.sessions.find(order.node);
    if (session !== undefined) tell(session, order);
  }

  /** Where that cannot be written now it is found done once more. */
  private end(order: NodeOrder): void {
    const { store, announce, log } = this.parts;
    store.end(order).then(
      () => {
        this.orders.delete(keyOf(order));
        announce();
      },
      (err: unknown) => {
        log.warn({ err, node: order.node }, 'cannot note now that an order was done');
      },
    );
  }
}
