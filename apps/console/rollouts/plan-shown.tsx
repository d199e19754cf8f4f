// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement, ReactNode } from 'react';
import type { Schemas } from '../api/schemas';
import { countWords } from '../display/counts';
import { sameSteps, type SameSteps } from './node-steps';
import { waveName } from './rollout';

/** What a rollout, or a rollback, would do. */
export type ShownPlan = Pick<Schemas['PlanRolloutResponse'], 'rollout' | 'nodes' | 'torn' | 'gates'>;

const mostNamed = 8;

function Names({ names }: { readonly names: readonly string[] }): ReactElement {
  const more = names.length - mostNamed;
  return (
    <strong>
      {names.slice(0, mostNamed).join(', ')}
      {more > 0 && ` and ${countWords(more, 'other')}`}
    </strong>
  );
}

const modules = (names: readonly string[]): ReactNode =>
  names.map((name, index) => (
    <span key={index}>
      {index > 0 && ', '}
      <code>{name}</code>
    </span>
  ));

function Steps({ steps: { nodes, unloads, loads, leftOut } }: { readonly steps: SameSteps }): ReactElement {
  if (leftOut !== '') {
    return (
      <li>
        <Names names={nodes} /> left out: {leftOut}
      </li>
    );
  }
  return (
    <li>
      <Names names={nodes} />
      {unloads.length > 0 && <> unload {modules(unloads)}</>}
      {unloads.length > 0 && loads.length > 0 && ', then'}
      {loads.length > 0 && <> load {modules(loads)}</>}
      {unloads.length + loads.length === 0 && ' change nothing in their kernels'}
    </li>
  );
}

/** What would happen, and by whom, if it began now. */
export function PlanShown({
  shown,
  children,
}: {
  readonly shown: ShownPlan;
  /** What is to be known before that. */
  readonly children?: ReactNode;
}): ReactElement {
  const { rollout = {}, torn = [], nodes = [], gates = [] } = shown;
  const waves = rollout.waves ?? [];
  return (
    <div className="plan">
      {children}
      <p>
        {countWords(rollout.nodeCount ?? 0, 'node')} to position <strong>{rollout.toSeq}</strong> in{' '}
        {countWords(waves.length, 'wave')}:{' '}
        {waves.map(({ planned }, wave) => `${waveName(wave)} ${planned ?? 0}`).join(', ')}.
      </p>
      {rollout.approvals !== undefined && (
        <p>
          Nothing begins before {countWords(rollout.approvals.needed ?? 0, 'person', 'people')} other than{' '}
          {rollout.approvals.author} approved it.
        </p>
      )}
      {gates.map(({ closed, nodes: closedFor = 0 }) =>
        closed === undefined ? null : (
          <p key={closed}>
            {countWords(closedFor, 'node')} may not begin now: {closed}.
          </p>
        ),
      )}
      {torn.map(({ seq, patchName, shadowed = [] }) => (
        <p key={seq}>
          <strong>{patchName}</strong> will run in part: {shadowed.map(({ name }) => name).join(', ')} is shadowed.
        </p>
      ))}
      <ul className="plan-steps">
        {sameSteps(nodes).map((steps) => (
          <Steps key={steps.nodes[0]} steps={steps} />
        ))}
      </ul>
    </div>
  );
}
