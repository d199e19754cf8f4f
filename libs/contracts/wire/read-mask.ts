// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Names below each name; none below one that is wanted whole. */
type Wanted = Map<string, Wanted>;

const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function wantedBy(mask: string): Wanted {
  const all: Wanted = new Map();
  for (const path of mask.split(',')) {
    let at = all;
    for (const name of path.trim().split('.').map(camelCase)) {
      const below: Wanted = at.get(name) ?? new Map();
      at.set(name, below);
      at = below;
    }
  }
  return all;
}

/** What a field holds that was not sent. */
function absent(value: unknown): unknown {
  if (typeof value === 'number') return 0;
  if (typeof value === 'string') return '';
  if (typeof value === 'boolean') return false;
  return Array.isArray(value) ? [] : undefined;
}

function pick(value: unknown, wanted: Wanted): unknown {
  if (wanted.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => pick(each, wanted));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const below = wanted.get(name);
      return [name, below === undefined ? absent(field) : pick(field, below)];
    }),
  );
}

/**
 * Of each message the fields that the mask names, as `name,report.stack.module_name`; the others are as if they had not
 * been sent. Below what repeats it is for each. Undefined or empty: all.
 * @throws LockstepError `invalid-input` `unknown-field` for one that such messages do not have.
 */
export function masked<T extends object>(messages: readonly T[], mask: string | undefined): T[] {
  if (mask === undefined || mask === '') return [...messages];
  const wanted = wantedBy(mask);
  const [first] = messages;
  const unknown = [...wanted.keys()].find((name) => first !== undefined && !(name in first));
  if (unknown !== undefined) {
    const message = `read_mask names "${unknown}", and what is listed has no such field: the API's definition tells its fields.`;
    throw new LockstepError('invalid-input', 'unknown-field', message, { field: unknown });
  }
  return messages.map((each) => pick(each, wanted) as T);
}
