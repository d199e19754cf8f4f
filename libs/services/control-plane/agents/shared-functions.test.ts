// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { NodeReport } from '@lockstep/contracts/generated';
import { SharedFunctions } from './shared-functions';

const reportOf = (...names: string[]): NodeReport =>
  NodeReport.fromPartial({
    stack: [
      {
        moduleName: 'm',
        artifactSha256: 'ab',
        functions: names.map((name) => ({ object: 'vmlinux', name, sympos: 0 })),
      },
    ],
  });

const functionsOf = (report: NodeReport) => report.stack[0]?.functions;

test('what nodes say alike of a module is kept once', () => {
  const shared = new SharedFunctions();
  const [first, second] = [reportOf('f', 'g'), reportOf('f', 'g')];
  shared.share(first);
  shared.share(second);
  expect(functionsOf(second)).toBe(functionsOf(first));
  expect(second).toEqual(reportOf('f', 'g'));
});

test.each([
  ['another function', ['f', 'h']],
  ['fewer functions', ['f']],
  ['more functions', ['f', 'g', 'h']],
  ['another order', ['g', 'f']],
])('a node that says %s of a module of that name keeps its word, and no other node is given it', (_, names) => {
  const shared = new SharedFunctions();
  const [first, other, third] = [reportOf('f', 'g'), reportOf(...names), reportOf('f', 'g')];
  for (const report of [first, other, third]) shared.share(report);
  expect(other).toEqual(reportOf(...names));
  expect(third).toEqual(reportOf('f', 'g'));
  expect(functionsOf(third)).toBe(functionsOf(first));
});

test('however many modules there are, few are remembered', () => {
  const shared = new SharedFunctions();
  const many = Array.from({ length: 3_000 }, (_, at) => {
    const report = reportOf('f');
    report.stack[0]!.artifactSha256 = String(at);
    return report;
  });
  const [first] = many;
  for (const report of many) shared.share(report);
  const again = structuredClone(first!);
  shared.share(again);
  // Forgotten meanwhile: it stands for itself.
  expect(functionsOf(again)).not.toBe(functionsOf(first!));
  expect(again).toEqual(first);
});
