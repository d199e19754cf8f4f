// SPDX-License-Identifier: GPL-2.0-only

/** Reads each thing once, as long as it lives: it does not change, and is asked about again and again. */
export function remembering<Known extends object, Facts>(read: (known: Known) => Facts): (known: Known) => Facts {
  const before = new WeakMap<Known, Facts>();
  return (known) => {
    if (before.has(known)) return before.get(known) as Facts;
    const facts = read(known);
    before.set(known, facts);
    return facts;
  };
}
