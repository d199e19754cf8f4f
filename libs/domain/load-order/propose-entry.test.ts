// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import type { KernelBuildId, Seq } from '@lockstep/domain/livepatch-model';
import type { EntryBody } from './log-entry';
import { explainRefusal, refuseBody } from './propose-entry';
import { stackAt } from './stack';
import { load, log, logOf, replace, retire, staying } from './test-log';

/** What appending `next` after `before` answers: "ok" or the refusal in words. */
function check(before: EntryBody[], next: EntryBody, expected: string | RegExp): void {
  const entries = logOf(...before);
  const refusal = refuseBody(log, entries, next);
  const answer = refusal === undefined ? 'ok' : explainRefusal(refusal, stackAt(entries, entries.length as Seq));
  if (typeof expected === 'string') expect(answer).toBe(expected);
  else expect(answer).toMatch(expected);
}

const a = load('a', 'abc');

describe('no silent conflict', () => {
  test('a conflict is refused, naming function and owner', () => {
    check([a], load('b', 'ad'), /vmlinux:a is owned by a \(#1\).*--override a/);
  });
  test('naming every victim allows it', () => {
    check([a], load('b', 'ad', [1]), 'ok');
  });
  test('naming some of the victims does not', () => {
    check([a, load('b', 'd')], load('c', 'ad', [1]), /vmlinux:d is owned by b \(#2\)/);
  });
  test('an override below the top is named too', () => {
    check([a, load('b', 'a', [1])], load('c', 'a', [2]), /owned by a \(#1\)/);
  });
  test('an override that misses is refused: it would hide a mistake', () => {
    check([a], load('b', 'd', [1]), /does not conflict with a \(#1\)/);
  });
  test('disjoint patches do not conflict', () => {
    check([a], load('b', 'd'), 'ok');
  });
  test('a retired patch owns nothing', () => {
    check([a, retire(1)], load('b', 'ad'), 'ok');
  });
  test('replace takes over, and is the only owner afterwards', () => {
    check([a], replace('r', 'ad', [1]), 'ok');
    check([a, replace('r', 'ad', [1])], load('b', 'b'), 'ok');
    check([a, replace('r', 'ad', [1])], load('b', 'd'), /owned by r \(#2\)/);
  });
  test('replace drops nothing that it does not contain, unless it is named', () => {
    const b = load('b', 'd');
    check([a, b], replace('r', 'abc', [1]), /does not contain b \(#2\).*--override b/);
    check([a, b], replace('r', 'abc', [1], [2]), 'ok');
    check([a, b], replace('r', 'abcd', [1, 2], [2]), /does not conflict with b/);
    check([a, b], replace('r', 'abcd', [1, 2]), 'ok');
  });
});

describe('retiring', () => {
  test('only what is in the stack', () => {
    check([a, retire(1)], retire(1), /not in the stack/);
    check([a], retire(2), /not in the stack/);
    check([a, replace('r', 'x', [1])], retire(1), /not in the stack/);
  });
  test('not below what was built onto it', () => {
    check([a, load('b', 'ad', [1], [1])], retire(1), /b \(#2\) was built onto it/);
    check([a, load('b', 'ad', [1], [1]), retire(2)], retire(1), 'ok');
  });
});

describe('what can be disabled and not unloaded', () => {
  const b = staying('b', 'd');
  test('keeps what lies below it: it could not be loaded again', () => {
    check([a, b], retire(1), /b \(#2\) lies above it and cannot be unloaded and loaded again.*patch combine/);
    check([a, b, load('c', 'e')], retire(1), /^b \(#2\) lies above/);
  });
  test('goes itself, and frees what is below', () => {
    check([a, b], retire(2), 'ok');
    check([a, b, retire(2)], retire(1), 'ok');
    check([b, a], retire(2), 'ok');
    check([b, a], retire(1), 'ok');
  });
  test('is replaced as any other', () => {
    check([a, b], replace('r', 'abcd', [1, 2]), 'ok');
  });
});

describe('loading', () => {
  test('the same module twice is refused while it is in the stack', () => {
    check([a], load('a', 'abc', [1]), /in the stack already, as a \(#1\)/);
    check([a, retire(1)], a, 'ok');
  });
  test('only onto what is still there', () => {
    check([a, retire(1)], load('b', 'd', [], [1]), /built onto #1, which the stack does not hold/);
  });
  test('only for this kernel build', () => {
    const other = load('b', 'd');
    if (other.kind === 'load') {
      const artifact = { ...other.artifact, kernelBuild: 'cd'.repeat(20) as KernelBuildId };
      check([a], { ...other, artifact }, /another kernel build/);
    }
  });
});
