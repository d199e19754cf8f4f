// SPDX-License-Identifier: GPL-2.0-only
import type { CheckConflictsResponse, GetOrderResponse, LoadBody, LogEntry } from '@lockstep/contracts/generated';
import { functionFromWire } from '@lockstep/contracts/wire';
import { showFunction } from '@lockstep/domain/livepatch-model';
import { toDocument } from '../document';
import { consistencyWord, describeSwitching } from '../switching-options';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { shortId, showTime, table } from '../table';

type WireFunction = Parameters<typeof functionFromWire>[0];

/** A key by the sha256 of its PEM, as files of keys are named. */
export const keyDigest = (publicKeyPem: string): string => sha256OfBytes(Buffer.from(publicKeyPem));

const shortKey = (publicKeyPem: string): string => shortId(keyDigest(publicKeyPem));

/** How it is switched, in words. */
const describeHow = (body: LoadBody): string =>
  [describeSwitching(body), body.mayInterrupt ? 'may interrupt sleepers' : ''].filter((each) => each !== '').join(', ');

const showFunctions = (functions: readonly WireFunction[]): string =>
  functions.map((fn) => showFunction(functionFromWire(fn))).join(', ');

const seqs = (list: readonly number[]): string => list.map((seq) => `#${seq}`).join(' ');

function entryRow({ seq, body, hash }: LogEntry, stack: readonly number[]): string[] {
  const state = stack.includes(seq) ? 'in stack' : '';
  switch (body?.$case) {
    case 'load': {
      const { artifact, overrides, builtOnto } = body.value;
      const functions = showFunctions(artifact?.functions ?? []);
      const kind = artifact?.replace === true ? 'replace' : 'load';
      const name = artifact?.patchName ?? '';
      const switching = describeHow(body.value);
      return [`#${seq}`, kind, name, state, seqs(builtOnto), seqs(overrides), switching, shortId(hash), functions];
    }
    case 'retire':
      return [`#${seq}`, 'retire', `#${body.value.retires}`, '', '', '', '', shortId(hash), ''];
    case 'rotate':
      return [`#${seq}`, 'new log key', shortKey(body.value.publicKey), '', '', '', '', shortId(hash), ''];
    case undefined:
      return [`#${seq}`, 'unknown to this client', '', state, '', '', '', shortId(hash), ''];
  }
}

/** An entry as JSON, its mode by the kernel's word; null where it is left to the kernel. */
export function entryDocument(entry: LogEntry | undefined): unknown {
  if (entry?.body?.$case !== 'load') return toDocument(entry);
  const load = toDocument(entry.body.value) as object;
  const consistency = consistencyWord(entry.body.value.consistency);
  return { ...(toDocument(entry) as object), body: { load: { ...load, consistency: consistency || null } } };
}

/** One entry in words: `#2 loads b, overrides #1`. */
export function describeEntry({ seq, body }: LogEntry): string {
  switch (body?.$case) {
    case 'load': {
      const { artifact, overrides, builtOnto } = body.value;
      const open = overrides.filter((victim) => !builtOnto.includes(victim));
      const onto =
        builtOnto.length > 0 ? `, ${artifact?.replace === true ? 'in place of' : 'onto'} ${seqs(builtOnto)}` : '';
      const verb = artifact?.replace === true ? 'drops' : 'overrides';
      const rest = [open.length > 0 ? `${verb} ${seqs(open)}` : '', describeHow(body.value)];
      const said = rest.filter((each) => each !== '').map((each) => `, ${each}`);
      return `#${seq} loads ${artifact?.patchName ?? ''}${onto}${said.join('')}`;
    }
    case 'retire':
      return `#${seq} retires #${body.value.retires}`;
    case 'rotate':
      return `#${seq} brings in log key ${shortKey(body.value.publicKey)}`;
    case undefined:
      return `#${seq}`;
  }
}

/** What to know of an entry's module, a line each: `stays-loaded: a (#1): tick is given to mod_timer()`. */
export const entryCaveats = ({ seq, body }: LogEntry): string[] => {
  const artifact = body?.$case === 'load' ? body.value.artifact : undefined;
  return (artifact?.caveats ?? []).map(
    ({ kind, message }) => `${kind}: ${artifact?.patchName ?? ''} (#${seq}): ${message}`,
  );
};

/** Where it ends by the word of who signs it, as agents are told. */
function headLine({ signedHead }: GetOrderResponse): string {
  if (signedHead === undefined) return '';
  const { seq, issuedAtMs, expiresAtMs } = signedHead;
  return `Signed up to #${seq} at ${showTime(new Date(issuedAtMs))}, good until ${showTime(new Date(expiresAtMs))}.`;
}

export function orderText(order: GetOrderResponse): string {
  const head = `Load order of ${order.cluster} on kernel build ${shortId(order.kernelBuildId)}`;
  const entries = table(
    ['SEQ', 'ENTRY', 'PATCH', 'STATE', 'ONTO', 'OVERRIDES', 'SWITCHING', 'HASH', 'FUNCTIONS'],
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
  const caveats = order.entries.flatMap(entryCaveats).join('\n');
  return [head, entries, headLine(order), shared, caveats].filter((part) => part !== '').join('\n\n');
}

/** What a patch would shadow and whom it would tear, a line each. */
export function conflictLines({ conflicts, torn, dropped }: Omit<CheckConflictsResponse, 'waysOut'>): string[] {
  return [
    ...conflicts.map(({ function: fn, ownerSeq, ownerPatchName, contained }) => {
      const name = fn === undefined ? '' : showFunctions([fn]);
      return contained
        ? `stacked: ${name} contains the change of ${ownerPatchName} (#${ownerSeq})`
        : `conflict: ${name} is owned by ${ownerPatchName} (#${ownerSeq})`;
    }),
    ...torn.map(
      ({ seq, patchName, running, shadowed }) =>
        `torn: ${patchName} (#${seq}) would lose ${showFunctions(shadowed)} and still run ${showFunctions(running)}`,
    ),
    ...dropped.map(
      ({ seq, patchName, shadowed }) =>
        `dropped: ${patchName} (#${seq}) is not contained, ${showFunctions(shadowed)} would be gone`,
    ),
  ];
}

/** What can be done about it, best first. */
export const wayOutLines = ({ waysOut }: CheckConflictsResponse): string[] =>
  waysOut.flatMap(({ kind, explanation, command }) => [`${kind}: ${explanation}`, `  ${command}`]);
