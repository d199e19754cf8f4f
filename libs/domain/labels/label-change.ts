// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import { mostLabels, type LabelKey, type Labels } from './labels';
import type { NodeLabels } from './node-labels';

/** What operators want of a node's labels. */
export interface LabelChange {
  readonly set: Labels;
  /** Not among those that are set. */
  readonly remove: readonly LabelKey[];
  /** Whether a label of operators may get another value. */
  readonly overwrite: boolean;
}

/**
 * The labels that operators give the node from now on. To remove one that is not there is done already.
 * @throws LockstepError `refused` `label-taken`, `label-of-agent`; `invalid-input` `too-many-labels`.
 */
export function changeLabels(
  node: NodeName,
  { reported, assigned }: NodeLabels,
  { set, remove, overwrite }: LabelChange,
): Labels {
  const changed = new Map(assigned);
  for (const [key, value] of set) {
    const now = assigned.get(key);
    if (now !== undefined && now !== value && !overwrite) {
      const message = `Node ${node} has ${key}=${now} already: say --overwrite to give it another value.`;
      throw new LockstepError('refused', 'label-taken', message, { node, key, value: now });
    }
    changed.set(key, value);
  }
  for (const key of remove) {
    if (changed.delete(key) || !reported.has(key)) continue;
    const message = `The agent of ${node} itself says ${key}=${reported.get(key) ?? ''}: take it from LOCKSTEP_AGENT_LABELS there, or give it another value.`;
    throw new LockstepError('refused', 'label-of-agent', message, { node, key });
  }
  if (changed.size <= mostLabels) return changed;
  const message = `Node ${node} would have ${changed.size} labels by operators: ${mostLabels} are the most.`;
  throw new LockstepError('invalid-input', 'too-many-labels', message, { node, labels: changed.size });
}
