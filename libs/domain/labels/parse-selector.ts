// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseLabelKey, parseLabelValue } from './labels';
import type { Requirement, Selector } from './selector';

/** Far more than anybody writes; who sends it is not trusted to be brief. */
const longestSelector = 4096;

const form = 'use KEY, !KEY, KEY=VALUE, KEY!=VALUE, KEY in (A,B) or KEY notin (A,B), and "," between several';

function notASelector(text: string): LockstepError {
  return new LockstepError('invalid-input', 'invalid-selector', `"${text}" selects no nodes: ${form}.`, { text });
}

/** `zone in (a,b),!spot` at the commas that stand in no brackets. */
function partsOf(text: string): string[] {
  const parts = text.match(/(?:[^,()]|\([^()]*\))+/g) ?? [];
  if (parts.join(',') === text) return parts;
  throw notASelector(text);
}

const setPattern = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const equalPattern = /^([^\s=!]+)\s*(==?|!=)\s*(\S*)$/;
const barePattern = /^(!?)\s*([^\s=!()]+)$/;

function parseRequirement(part: string): Requirement {
  const [, setKey, operator, list = ''] = setPattern.exec(part) ?? [];
  if (setKey !== undefined) {
    const values = new Set(list.split(',').map((value) => parseLabelValue(value.trim())));
    return { kind: operator === 'in' ? 'in' : 'not-in', key: parseLabelKey(setKey), values };
  }
  const [, key, sign, value = ''] = equalPattern.exec(part) ?? [];
  if (key !== undefined) {
    return {
      kind: sign === '!=' ? 'not-in' : 'in',
      key: parseLabelKey(key),
      values: new Set([parseLabelValue(value)]),
    };
  }
  const [, not, bare] = barePattern.exec(part) ?? [];
  if (bare === undefined) throw notASelector(part);
  return { kind: not === '!' ? 'absent' : 'present', key: parseLabelKey(bare) };
}

/**
 * A selector in the words of Kubernetes: `rack=a1,tier!=db,zone in (a,b),env notin (test),gpu,!spot`. Empty text selects
 * every node. @throws LockstepError `invalid-input` `invalid-selector` or `invalid-label`, quoting what is wrong.
 */
export function parseSelector(text: string): Selector {
  if (text.trim() === '') return [];
  if (text.length > longestSelector) {
    const message = `A selector has at most ${longestSelector} characters; this one has ${text.length}.`;
    throw new LockstepError('invalid-input', 'invalid-selector', message, { length: text.length });
  }
  return partsOf(text).map((part) => parseRequirement(part.trim()));
}
