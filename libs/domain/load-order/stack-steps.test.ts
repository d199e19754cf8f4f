// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ModuleName, Seq, Sha256 } from '@lockstep/domain/livepatch-model';
import type { LogEntry } from './log-entry';
import { isLoad, stackAt } from './stack';
import { stepsTo, type HeldModule } from './stack-steps';
import { load, logOf, modulesOf, replace, retire } from './test-log';

const mission = logOf(load('a', 'abc'), load('b', 'ad', [1]), retire(1), load('a', 'abc', [2]));

/** As of modules that were loaded from this log's artifacts. */
const heldOf = (modules: readonly ModuleName[], log: readonly LogEntry[]): HeldModule[] =>
  modules.map((module) => {
    const loaded = log.filter(isLoad).find(({ body }) => body.artifact.moduleName === module);
    return { module, artifact: loaded?.body.artifact.sha256 };
  });

const short = (module: ModuleName): string => module.replace('lockstep_', '');

/** Steps as "-a +b": unload a, then load b. */
function check(held: string, log: typeof mission, seq: number, expected: string): void {
  const steps = stepsTo(heldOf(modulesOf(held), log), stackAt(log, seq as Seq));
  const words = steps.map((step) =>
    step.kind === 'unload'
      ? `-${short(step.module)}`
      : `+${short(step.entry.body.artifact.moduleName)}${step.replaces.length > 0 ? `(${step.replaces.map(short).join('')})` : ''}`,
  );
  expect(words.join(' ')).toBe(expected);
}

describe('same set, wrong order is divergence', () => {
  test('what is right stays', () => {
    check('ab', mission, 2, '');
    check('a', mission, 2, '+b');
  });
  test('the wrong order is taken down and built again', () => {
    check('ba', mission, 2, '-a -b +a +b');
  });
  test('retiring from below takes down what lies over it', () => {
    check('ab', mission, 3, '-b -a +b');
  });
  test('a patch loaded again is a new entry on top', () => {
    check('ab', mission, 4, '-b -a +b +a');
  });
  test('an empty kernel gets the whole stack in order', () => {
    check('', mission, 2, '+a +b');
  });
});

test('replace goes over what is there', () => {
  const log = logOf(load('a', 'abc'), replace('r', 'abcd', [1]), load('c', 'x'));
  check('a', log, 3, '+r(a) +c');
  check('', log, 2, '+r');
});

test('any held sequence becomes exactly the target, and never more is taken down than needed', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 6 });
  fc.assert(
    fc.property(names, names, (held, wanted) => {
      const log = logOf(...wanted.map((name) => load(name, name)));
      const target = stackAt(log, wanted.length as Seq);
      const kernel = modulesOf(held.join(''));
      for (const step of stepsTo(heldOf(kernel, log), target)) {
        if (step.kind === 'unload') expect(kernel.pop()).toBe(step.module);
        else kernel.push(step.entry.body.artifact.moduleName);
      }
      expect(kernel).toEqual(modulesOf(wanted.join('')));
    }),
  );
});

test('names equal, bytes differ: what lies there under the name is taken down to it, and the bytes of the target loaded', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(names, fc.nat(), (wanted, pick) => {
      const log = logOf(...wanted.map((name) => load(name, name)));
      const target = stackAt(log, wanted.length as Seq);
      const other = pick % wanted.length;
      const held = heldOf(modulesOf(wanted.join('')), log).map((each, at) =>
        at === other ? { ...each, artifact: 'f'.repeat(64) as Sha256 } : each,
      );
      const from = modulesOf(wanted.slice(other).join(''));
      const steps = stepsTo(held, target);
      expect(steps.flatMap((step) => (step.kind === 'unload' ? [step.module] : []))).toEqual([...from].reverse());
      const loads = steps.flatMap((step) => (step.kind === 'load' ? [step.entry] : []));
      expect(loads).toEqual(target.slice(other));
    }),
  );
});
