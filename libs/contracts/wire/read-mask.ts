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
      const below = at.get(name) ?? new Map<string, Wanted>();
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

function pick(value: unknown, wanted: Wanted, empty: object = {}): unknown {
  if (wanted.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => pick(each, wanted));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const below = wanted.get(name);
      if (below !== undefined) return [name, pick(field, below)];
      return [name, name in empty ? empty[name as keyof typeof empty] : absent(field)];
    }),
  );
}

/**
 * Of each message the fields that the mask names, as `name,report.stack.module_name`; the others are as if they had not
 * been sent. Below what repeats it is for each. Undefined or empty: all.
 * @param type whose messages they are
 * @throws LockstepError `invalid-input` `unknown-field` for one that such messages do not have.
 */
export function masked<T extends object>(
  type: { fromPartial(none: object): T },
  messages: readonly T[],
  mask: string | undefined,
): T[] {
  if (mask === undefined || mask === '') return [...messages];
  const wanted = wantedBy(mask);
  const empty = type.fromPartial({});
  const unknown = [...wanted.keys()].find((name) => !(name in empty));
  if (unknown !== undefined) {
    const message = `read_mask names "${unknown}", and what is listed has no such field: the API's definition tells its fields.`;
    throw new LockstepError('invalid-input', 'unknown-field', message, { field: unknown });
  }
  return messages.map((each) => pick(each, wanted, empty) as T);
}
