// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';

const longest = 253;

/** Names of nodes by what they look like. @throws LockstepError `invalid-input` `invalid-pattern`. */
export function parseNamePattern(text: string): string {
  if (text.length <= longest && /^[a-z0-9.*-]+$/.test(text) && /[a-z0-9]/.test(text)) return text;
  const message = `"${text.slice(0, longest)}" is no pattern of names: write a name with "*" for any part of it, as in web-*, and more than that alone.`;
  throw new LockstepError('invalid-input', 'invalid-pattern', message);
}

/** Whether the name looks like the pattern. Takes time by both lengths alone, whatever they are. */
export function matchesNamePattern(pattern: string, name: NodeName): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  const end = name.length - last.length;
  for (const part of others) {
    const at = name.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}
