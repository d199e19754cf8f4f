// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import {
  changeLabels,
  effectiveLabels,
  labelsOfEntries,
  mostLabels,
  parseLabelKey,
  parseLabels,
  showLabels,
  type LabelChange,
} from './index';

describe('parseLabels', () => {
  it.each([
    ['', ''],
    ['rack=a1', 'rack=a1'],
    [' tier=db , rack=a1 ', 'rack=a1,tier=db'],
    ['spot=', 'spot='],
    ['example.com/Rack_1.b=A-1', 'example.com/Rack_1.b=A-1'],
    ['constructor=x', 'constructor=x'],
    [`${'k'.repeat(63)}=${'v'.repeat(63)}`, `${'k'.repeat(63)}=${'v'.repeat(63)}`],
  ])('takes "%s"', (text, shown) => {
    expect(showLabels(parseLabels(text))).toBe(shown);
  });

  it.each([
    'rack',
    '=a1',
    'rack=a1,',
    'rack=a1,rack=a2',
    'rack=a 1',
    'rack=-a',
    'rack=a-',
    'a/b/c=1',
    '/b=1',
    'Example.com/b=1',
    'rack=a=b',
    `${'k'.repeat(64)}=v`,
    `k=${'v'.repeat(64)}`,
    '__proto__=x',
    'räck=a',
    'rack=a\nb',
  ])('refuses "%s" and quotes it', (text) => {
    expect(() => parseLabels(text)).toThrow(expect.objectContaining({ reason: 'invalid-label' }));
  });

  it('refuses more than a node has', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => [`k${at}`, ''] as const);
    expect(labelsOfEntries(many(mostLabels)).size).toBe(mostLabels);
    expect(() => labelsOfEntries(many(mostLabels + 1))).toThrow(expect.objectContaining({ reason: 'too-many-labels' }));
  });
});

describe('changeLabels', () => {
  const node = parseNodeName('n1');
  const now = { reported: parseLabels('rack=a1,tier=web'), assigned: parseLabels('tier=db,zone=z1') };
  const change = (set: string, remove: readonly string[] = [], overwrite = false): LabelChange => ({
    set: parseLabels(set),
    remove: remove.map(parseLabelKey),
    overwrite,
  });
  const after = (wanted: LabelChange): string => showLabels(changeLabels(node, now, wanted));

  it('lets the operators speak last', () => {
    expect(showLabels(effectiveLabels(now))).toBe('rack=a1,tier=db,zone=z1');
  });

  it('sets over what the agent says, and the agent is heard again when that is removed', () => {
    expect(after(change('rack=b2'))).toBe('rack=b2,tier=db,zone=z1');
    const without = changeLabels(node, now, change('', ['tier']));
    expect(showLabels(effectiveLabels({ ...now, assigned: without }))).toBe('rack=a1,tier=web,zone=z1');
  });

  it('gives a label of operators another value only if told to', () => {
    expect(() => after(change('zone=z2'))).toThrow(/Node n1 has zone=z1 already: say --overwrite/);
    expect(after(change('zone=z1'))).toBe('tier=db,zone=z1');
    expect(after(change('zone=z2', [], true))).toBe('tier=db,zone=z2');
  });

  it('removes what is not there, and not what the agent says', () => {
    expect(after(change('', ['gone']))).toBe('tier=db,zone=z1');
    expect(() => after(change('', ['rack']))).toThrow(
      /agent of n1 itself says rack=a1: take it from LOCKSTEP_AGENT_LABELS/,
    );
  });

  it('counts what it would leave', () => {
    const full = labelsOfEntries(Array.from({ length: mostLabels }, (_, at) => [`k${at}`, '']));
    expect(() => changeLabels(node, { ...now, assigned: full }, change('one=more'))).toThrow(/65 labels/);
    expect(changeLabels(node, { ...now, assigned: full }, change('one=more', ['k0'])).size).toBe(mostLabels);
  });
});
