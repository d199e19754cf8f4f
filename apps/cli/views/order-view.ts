// SPDX-License-Identifier: GPL-2.0-only
import type { CheckConflictsResponse, GetOrderResponse, LogEntry } from '@lockstep/contracts/generated';
import { functionFromWire } from '@lockstep/contracts/wire';
import { showFunction } from '@lockstep/domain/livepatch-model';
import { shortId, table } from '../table';

type WireFunction = Parameters<typeof functionFromWire>[0];

const showFunctions = (functions: readonly WireFunction[]): string =>
  functions.map((fn) => showFunction(functionFromWire(fn))).join(', ');

const seqs = (list: readonly number[]): string => list.map((seq) => `#${seq}`).join(' ');

function entryRow({ seq, body, hash }: LogEntry, stack: readonly number[]): string[] {
  const state = stack.includes(seq) ? 'in stack' : '';
  switch (body?.$case) {
    case 'load': {
      const { artifact, overrides } = body.value;
      const functions = showFunctions(artifact?.functions ?? []);
      return [`#${seq}`, 'load', artifact?.patchName ?? '', state, seqs(overrides), shortId(hash), functions];
    }
    case 'retire':
      return [`#${seq}`, 'retire', `#${body.value.retires}`, '', '', shortId(hash), ''];
    case undefined:
      return [`#${seq}`, 'unknown to this client', '', state, '', shortId(hash), ''];
  }
}

/** One entry in words: `#2 loads b, overrides #1`. */
export function describeEntry({ seq, body }: LogEntry): string {
  switch (body?.$case) {
    case 'load': {
      const { artifact, overrides } = body.value;
      return `#${seq} loads ${artifact?.patchName ?? ''}${overrides.length > 0 ? `, overrides ${seqs(overrides)}` : ''}`;
    }
    case 'retire':
      return `#${seq} retires #${body.value.retires}`;
    case undefined:
      return `#${seq}`;
  }
}

export function orderText(order: GetOrderResponse): string {
  const head = `Load order of ${order.cluster} on kernel build ${shortId(order.kernelBuildId)}`;
  const entries = table(
    ['SEQ', 'ENTRY', 'PATCH', 'STATE', 'OVERRIDES', 'HASH', 'FUNCTIONS'],
    order.entries.map((entry) => entryRow(entry, order.stack)),
    'No entries.',
  );
  const shared = table(
    ['SHARED FUNCTION', 'OWNERS (TOP RUNS)'],
    order.sharedFunctions.map(({ function: fn, owners }) => [
      fn === undefined ? '' : showFunctions([fn]),
      seqs(owners),
    ]),
    '',
  );
  return shared === '' ? `${head}\n\n${entries}` : `${head}\n\n${entries}\n\n${shared}`;
}

/** What a patch would shadow and whom it would tear, a line each. */
export function conflictLines({ conflicts, torn }: CheckConflictsResponse): string[] {
  return [
    ...conflicts.map(
      ({ function: fn, ownerSeq, ownerPatchName }) =>
        `conflict: ${fn === undefined ? '' : showFunctions([fn])} is owned by ${ownerPatchName} (#${ownerSeq})`,
    ),
    ...torn.map(
      ({ seq, patchName, running, shadowed }) =>
        `torn: ${patchName} (#${seq}) would lose ${showFunctions(shadowed)} and still run ${showFunctions(running)}`,
    ),
  ];
}
