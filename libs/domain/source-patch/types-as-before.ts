// SPDX-License-Identifier: GPL-2.0-only
import { nameIn } from './authors-places';
import { regionsOf } from './line-numbers';

const lineNumber = /^#line \d+\n/;

/**
 * A changed source in which types are defined as they were before, and all that is not one of them keeps its line numbers.
 * @param types by name (`held`)
 * @returns undefined where it defines none of them in another way
 */
export function withTypesAsBefore(before: string, after: string, types: ReadonlySet<string>): string | undefined {
  const definitions = new Map(
    regionsOf(before).map(({ text }) => [nameIn(text), text.replace(lineNumber, '')] as const),
  );
  const made = regionsOf(after).map(({ text }) => {
    const name = nameIn(text);
    const definition = types.has(name) ? definitions.get(name) : undefined;
    return definition === undefined ? text : `${lineNumber.exec(text)?.[0] ?? ''}${definition}`;
  });
  return made.join('') === after ? undefined : made.join('');
}
