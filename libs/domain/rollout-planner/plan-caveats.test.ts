// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { describeCallbacks, type Seq } from '@lockstep/domain/livepatch-model';
import type { EntryBody, LogEntry } from '@lockstep/domain/load-order';
import { planCaveats } from './plan-caveats';

/** `a` loads a patch, `i~` one that may interrupt sleepers, `b!` one that stays loaded, `c?` one with a type that its author vouches for, `-2` retires. */
function logOf(text: string): LogEntry[] {
  return text.split(' ').map((word, index) => {
    const name = word[0] ?? '';
    const kind = word.endsWith('!') ? 'stays-loaded' : 'type-changed';
    const caveats = /[!?]$/.test(word) ? [{ kind, message: `because of ${name}` }] : [];
    const artifact = { moduleName: `lockstep_${name}`, patchName: name, replace: word.endsWith('*'), caveats };
    const load = {
      kind: 'load',
      artifact,
      overrides: [],
      builtOnto: [],
      mayInterrupt: word.endsWith('~') || undefined,
    };
    const body = name === '-' ? { kind: 'retire', retires: Number(word.slice(1)) } : load;
    return { seq: index + 1, body: body as unknown as EntryBody } as LogEntry;
  });
}

const said = (text: string, positions: readonly number[], toSeq: number): string[] =>
  planCaveats(logOf(text), positions as Seq[], toSeq as Seq).map(({ seq, kind, message }) => {
    const words: Partial<Record<typeof kind, RegExp>> = { 'needs-boot': /boot it first$/, 'may-interrupt': /EINTR/ };
    expect(message).toMatch(words[kind] ?? /because of [a-z]$/);
    return `${kind} ${seq}`;
  });

test('tells which entries below use a variable that its callbacks use', () => {
  const entry = (seq: number, ...variables: string[]) => {
    const message = describeCallbacks([`pre_patch set() of vmlinux`], variables);
    const artifact = { patchName: `patch-${seq}`, replace: false, caveats: [{ kind: 'callbacks-only', message }] };
    return { seq, body: { kind: 'load', artifact, overrides: [], builtOnto: [] } } as unknown as LogEntry;
  };
  const log = [entry(1, 'pid_max'), entry(2, 'aio_max_nr'), entry(3, 'sysctl_nr_open', 'aio_max_nr'), entry(4)];
  const told = (position: number, toSeq: number) =>
    planCaveats(log, [position as Seq], toSeq as Seq)
      .filter(({ kind }) => kind === 'same-variable')
      .map(({ seq, message }) => `${seq} ${message.replace(/;.*/, '')}`);
  expect(told(0, 4)).toEqual(['3 aio_max_nr: the callbacks of patch-2 (#2) use that too']);
  expect(told(0, 2)).toEqual([]);
  expect(told(3, 4)).toEqual([]);
});

test.each<[title: string, log: string, positions: number[], toSeq: number, expected: string[]]>([
  ['nothing of ordinary patches', 'a b -1', [0], 3, []],
  ['that sleepers may be interrupted', 'a i~', [0], 2, ['may-interrupt 2']],
  ['what is loaded, with its own', 'a b! c?', [0], 3, ['stays-loaded 2', 'type-changed 3']],
  ['nothing of what a node has already', 'a b! c?', [2], 3, ['type-changed 3']],
  ['that nothing is unloaded of what goes', 'a b! -2', [2], 3, ['kept 2']],
  ['nothing of what goes before it comes', 'a b! -2', [1], 3, []],
  ['what is so for any of the nodes', 'a b! -2 c?', [0, 2, 3], 4, ['kept 2', 'type-changed 4']],
  ['what a replace puts out of effect', 'a b! c*', [2], 3, ['kept 2']],
  ['that what stays cannot come again before a boot', 'b! -1 b!', [2], 3, ['stays-loaded 3', 'needs-boot 3']],
])('tells %s', (_, log, positions, toSeq, expected) => {
  expect(said(log, positions, toSeq)).toEqual(expected);
});
