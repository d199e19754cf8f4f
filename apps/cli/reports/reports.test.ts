// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { ExposureState, GetExposureResponse, Rollout, RolloutStatus } from '@lockstep/contracts/generated';
import fc from 'fast-check';
import { coverageReport } from './coverage-report';
import { csv } from './csv';
import { markdownTable } from './markdown';
import { rolloutReport } from './rollout-report';

/** As any reader of RFC 4180 has it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let rest = text;
  while (rest !== '') {
    const [all, quoted, plain = '', end] = /^(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/.exec(rest) ?? [
      '',
      undefined,
      '',
      '',
    ];
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    rest = rest.slice(all.length);
    if (end === '\n') rows.push([]);
    else if (end === ',' && rest === '') rows.at(-1)?.push('');
  }
  return rows;
}

describe('csv', () => {
  it('is read as it was meant, and no cell is a formula', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('=1+1', '+x', '-2', '@a', '\t=x', '\r=x', '="a"', 'a,"b"\nc', ''),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1 }), (pairs) => {
        const written = csv(
          ['a', 'b'],
          pairs.map(([a, b]) => ({ a, b })),
        );
        const [, ...rows] = parseCsv(written);
        const expected = pairs.map((pair) => pair.map((each) => (/^[=+\-@\t\r]/.test(each) ? `'${each}` : each)));
        expect(rows).toEqual(expected);
        expect(rows.flat().filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([]);
      }),
    );
  });

  it('leaves numbers numbers', () => {
    expect(csv(['n', 'b', 'x'], [{ n: -2, b: true, x: null }])).toBe('n,b,x\n-2,true,');
  });
});

describe('markdown', () => {
  it('has a row for each, whatever stands in it', () => {
    const table = markdownTable(['A', 'B'], [['x|y\nz', '<img src=x> [a](b) `c`']], 'none');
    expect(table.split('\n')).toEqual([
      '| A | B |',
      '| --- | --- |',
      '| x\\|y\\\\x0az | \\<img src=x\\> \\[a\\](b) \\`c\\` |',
    ]);
    expect(markdownTable(['A'], [], 'none')).toBe('none');
  });
});

const at = new Date('2026-11-28T10:00:00Z');
const answer = GetExposureResponse.fromPartial({
  judgedAt: at,
  nodes: ['n1', 'n2', 'n3'].map((name) => ({ name, cluster: 'web', connected: name !== 'n3', kernelRelease: '6.1' })),
  cves: [
    {
      cve: 'CVE-2026-1',
      fixes: [{ patchName: 'fix' }],
      groups: [
        {
          state: ExposureState.EXPOSURE_STATE_PATCHED,
          reason: 'enabled',
          message: 'It runs.',
          moduleName: 'lockstep_fix',
          nodes: [0, 1],
        },
        { state: ExposureState.EXPOSURE_STATE_UNKNOWN, reason: 'away', message: '=cmd|x', nodes: [2] },
      ],
    },
  ],
});

describe('coverage', () => {
  it('counts down, and names who is not patched and why', () => {
    const text = coverageReport(answer).markdown();
    expect(text).toContain('| CVE-2026-1 | fix | 3 | 2 | 0 | 0 | 1 | 66.6 % |');
    expect(text).toContain('| n3 | web | 6.1 | unknown | away: =cmd\\|x |');
    expect(text).not.toContain('| n1 |');
    expect(text).toContain('2026-11-28 10:00:00Z, by what each kernel showed then');
  });

  it('has a row for each node and CVE', () => {
    const [heads, ...rows] = parseCsv(coverageReport(answer).csv());
    expect(heads?.slice(0, 3)).toEqual(['node', 'cluster', 'kernelRelease']);
    expect(rows.map((row) => [row[0], row[7], row[10]])).toEqual([
      ['n1', 'patched', 'It runs.'],
      ['n2', 'patched', 'It runs.'],
      ['n3', 'unknown', "'=cmd|x"],
    ]);
  });

  it('says so where there is nothing to cover', () => {
    expect(coverageReport({ ...answer, cves: [] }).markdown()).toMatch(/No patch here names a CVE\.$/);
  });
});

describe('rollout', () => {
  const rollout = Rollout.fromPartial({
    ...{ id: 'r1', cluster: 'web', kernelBuildId: 'ab', toSeq: 2, startedAt: at },
    status: RolloutStatus.ROLLOUT_STATUS_HALTED,
    nodes: [
      { node: 'n1', wave: 0, position: 2 },
      { node: 'n2', wave: 1, position: 1, notYet: { reason: 'failed', message: 'No room.' }, since: at },
    ],
  });
  const report = rolloutReport({ rollout, entries: [], patches: [], exposure: answer });

  it('tells the exceptions first', () => {
    const text = report.markdown();
    expect(text).toContain('- **Nodes there:** 1 of 2');
    expect(text).toMatch(
      /## Exceptions\n\n.*\n.*\n\| n2 \| 1 \| 1 \| failed \| 2026-11-28T10:00:00.000Z \| No room\. \|\n\n## Load/,
    );
    expect(text).toContain('| CVE-2026-1 | fix | 3 | 2 |');
  });

  it('has a row for each node', () => {
    expect(parseCsv(report.csv()).map((row) => row.slice(4, 5).concat(row.slice(7, 11)))).toEqual([
      ['status', 'node', 'wave', 'position', 'state'],
      ['halted', 'n1', '0', '2', 'there'],
      ['halted', 'n2', '1', '1', 'failed'],
    ]);
  });
});
