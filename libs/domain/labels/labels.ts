// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type Brand } from '@lockstep/domain/livepatch-model';

/** As Kubernetes has them: `rack`, or with a prefix that is a DNS name, `example.com/rack`. */
export type LabelKey = Brand<string, 'LabelKey'>;

/** By key. A map: a key may be the name of what every object has, as `constructor`. */
export type Labels = ReadonlyMap<LabelKey, string>;

export const noLabels: Labels = new Map();

/** Of one node, from its agent or by operators: each is told in every list of nodes. */
export const mostLabels = 64;

const longestPrefix = 253;
const prefixPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const wordPattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

const wordForm = '1 to 63 of letters, digits, "-", "_" and ".", with a letter or digit at both ends';

const isPrefix = (text: string): boolean => text.length <= longestPrefix && prefixPattern.test(text);

function isKey(text: string): boolean {
  const [first = '', second, ...more] = text.split('/');
  if (more.length > 0) return false;
  return second === undefined ? wordPattern.test(first) : isPrefix(first) && wordPattern.test(second);
}

/** @throws LockstepError `invalid-input` `invalid-label`. */
export function parseLabelKey(text: string): LabelKey {
  if (isKey(text)) return text as LabelKey;
  const message = `"${text}" is not the key of a label: use ${wordForm}, and before it at most a DNS name and "/".`;
  throw new LockstepError('invalid-input', 'invalid-label', message, { text });
}

/** May be empty. @throws LockstepError `invalid-input` `invalid-label`. */
export function parseLabelValue(text: string): string {
  if (text === '' || wordPattern.test(text)) return text;
  const message = `"${text}" is not the value of a label: use nothing, or ${wordForm}.`;
  throw new LockstepError('invalid-input', 'invalid-label', message, { text });
}

function insistFew(labels: Labels): Labels {
  if (labels.size <= mostLabels) return labels;
  const message = `${labels.size} labels: a node has at most ${mostLabels}.`;
  throw new LockstepError('invalid-input', 'too-many-labels', message, { labels: labels.size });
}

/** Keys and values as somebody else wrote them. @throws LockstepError `invalid-input` `invalid-label`, `too-many-labels`. */
export function labelsOfEntries(entries: Iterable<readonly [key: string, value: string]>): Labels {
  const labels = new Map<LabelKey, string>();
  for (const [key, value] of entries) labels.set(parseLabelKey(key), parseLabelValue(value));
  return insistFew(labels);
}

/**
 * `rack=a1,tier=db`; empty text: none.
 * @throws LockstepError `invalid-input` `invalid-label` (one that is given twice, too), `too-many-labels`.
 */
export function parseLabels(text: string): Labels {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length === 1 && parts[0] === '') return noLabels;
  const entries = parts.map((part): readonly [string, string] => {
    const at = part.indexOf('=');
    if (at > 0) return [part.slice(0, at), part.slice(at + 1)];
    const message = `"${part}" is not a label: use KEY=VALUE, and "," between several.`;
    throw new LockstepError('invalid-input', 'invalid-label', message, { text: part });
  });
  const labels = labelsOfEntries(entries);
  if (labels.size === entries.length) return labels;
  const message = `"${text}" gives a key two values: a label has one.`;
  throw new LockstepError('invalid-input', 'invalid-label', message, { text });
}

/** `rack=a1,tier=db`, by key. */
export const showLabels = (labels: Labels): string =>
  [...labels]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
