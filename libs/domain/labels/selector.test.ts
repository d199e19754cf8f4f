// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchesSelector, parseLabels, parseSelector, showSelector, type Labels } from './index';

const nodes: Readonly<Record<string, Labels>> = {
  n1: parseLabels('rack=a1,tier=web,zone=a'),
  n2: parseLabels('rack=a1,tier=db,zone=b'),
  n3: parseLabels('rack=b2,zone=c,spot='),
  n4: parseLabels(''),
};
const chosen = (text: string): string =>
  Object.entries(nodes)
    .filter(([, labels]) => matchesSelector(parseSelector(text), labels))
    .map(([name]) => name)
    .join(' ');

describe('a selector', () => {
  it.each([
    ['', 'n1 n2 n3 n4'],
    [' ', 'n1 n2 n3 n4'],
    ['rack=a1', 'n1 n2'],
    ['rack==a1', 'n1 n2'],
    ['rack = a1 , tier != db', 'n1'],
    ['tier!=db', 'n1 n3 n4'],
    ['rack=a1,tier!=db,zone in (a,b)', 'n1'],
    ['zone in (a, b)', 'n1 n2'],
    ['zone in(a,b)', 'n1 n2'],
    ['zone notin (a,b)', 'n3 n4'],
    ['spot', 'n3'],
    ['!spot', 'n1 n2 n4'],
    ['! spot', 'n1 n2 n4'],
    ['spot=', 'n3'],
    ['spot!=', 'n1 n2 n4'],
    ['zone in ()', ''],
    ['spot in (,x)', 'n3'],
    // Two words on one label must both hold.
    ['zone in (a,b),zone!=a', 'n2'],
    ['constructor', ''],
    ['in in (a)', ''],
    ['notin', ''],
  ])('"%s" chooses [%s]', (text, expected) => {
    expect(chosen(text)).toBe(expected);
  });

  it.each([
    [',', 'invalid-selector'],
    ['rack=a1,', 'invalid-selector'],
    ['rack=a1,,tier=db', 'invalid-selector'],
    ['zone in a,b', 'invalid-selector'],
    ['zone in (a', 'invalid-selector'],
    ['zone in (a))', 'invalid-selector'],
    ['zone in ((a))', 'invalid-selector'],
    ['zone > 3', 'invalid-selector'],
    ['!zone=a', 'invalid-selector'],
    ['rack=a1 tier=db', 'invalid-selector'],
    ['zone IN (a)', 'invalid-selector'],
    ['rack=a1=b', 'invalid-label'],
    ['rack=-', 'invalid-label'],
    ['-rack', 'invalid-label'],
    ['zone in (a b)', 'invalid-label'],
    ['x'.repeat(5000), 'invalid-selector'],
  ])('"%s" is refused', (text, reason) => {
    expect(() => parseSelector(text)).toThrow(expect.objectContaining({ kind: 'invalid-input', reason }));
  });

  it('is told in words that mean the same again', () => {
    const plain = ['a', '!b', 'c=', 'd!=v', 'x.example/e in (v,w)', 'f notin (,v)', 'g in ()', 'rack==a1'];
    fc.assert(
      fc.property(fc.subarray(plain), (parts) => {
        const selector = parseSelector(parts.join(','));
        expect(parseSelector(showSelector(selector))).toEqual(selector);
      }),
    );
    expect(showSelector(parseSelector('zone in (b, a), spot == x ,! gpu'))).toBe('zone in (a,b),spot=x,!gpu');
  });

  it('chooses by each requirement what a plain reading of it does, whatever the labels', () => {
    const keys = ['a', 'b', 'x.example/c'];
    const values = ['', '0', 'v'];
    const labels = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values));
    const requirement = fc.record({
      key: fc.constantFrom(...keys),
      kind: fc.constantFrom('=', '!=', 'in', 'notin', '', '!'),
      among: fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }),
    });
    type Wanted = { key: string; kind: string; among: string[] };
    const write = ({ key, kind, among }: Wanted): string => {
      if (kind === '' || kind === '!') return `${kind}${key}`;
      return kind.length > 1 && kind !== '!='
        ? `${key} ${kind} (${among.join(',')})`
        : `${key}${kind}${among[0] ?? ''}`;
    };
    const holds = ({ key, kind, among }: Wanted, has: Readonly<Record<string, string>>): boolean => {
      const value = Object.hasOwn(has, key) ? has[key] : undefined;
      if (kind === '') return value !== undefined;
      if (kind === '!') return value === undefined;
      const wanted = kind === '=' || kind === '!=' ? among.slice(0, 1) : among;
      const isAmong = value !== undefined && wanted.includes(value);
      return kind === '=' || kind === 'in' ? isAmong : !isAmong;
    };
    fc.assert(
      fc.property(labels, fc.array(requirement, { maxLength: 4 }), (has, wanted) => {
        const text = Object.entries(has).map(([key, value]) => `${key}=${value}`);
        const found = matchesSelector(parseSelector(wanted.map(write).join(',')), parseLabels(text.join(',')));
        expect(found).toBe(wanted.every((each) => holds(each, has)));
      }),
    );
  });
});
