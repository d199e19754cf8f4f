// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import { compilePair, compilers, fixtureNames, fixtureTables, type Compiler } from './index';

/** Functions and symbols that a patch is about, or why it is refused. */
function outcomeOf(name: string, compiler: Compiler, flags: readonly string[]): unknown {
  try {
    const pair = compilePair(name, compiler, ...flags);
    const diff = diffObjects({ ...pair, objectPath: `${name}.o`, tables: fixtureTables });
    return {
      changed: diff.functions.map(({ symbol }) => symbol.name),
      added: diff.newFunctions,
      kernelSymbols: diff.kernelSymbols.map(({ name: symbol }) => symbol),
    };
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    const { reason, fields } = error;
    return { reason, fields };
  }
}

// What some kernels are built with and others are not: debug information, indirect branch tracking, padding before
// functions. Together, for each compiler run costs more than all the rest of a test.
const moreFlags = ['-gdwarf-5', '-fcf-protection=branch', '-fpatchable-function-entry=16,16'];

describe('without the compiler’s list of calls of __fentry__, which recordmcount makes later', () => {
  test.each(fixtureNames())('%s: the same outcome', (name) => {
    expect(outcomeOf(name, 'gcc', ['-mno-record-mcount'])).toEqual(outcomeOf(name, 'gcc', []));
  });
});

describe.each(compilers)('%s with debug information, ENDBRs and padding', (compiler) => {
  test.each(fixtureNames())('%s: the same outcome', (name) => {
    expect(outcomeOf(name, compiler, moreFlags)).toEqual(outcomeOf(name, compiler, []));
  });
});
