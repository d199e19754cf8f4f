// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { notCertifiedBy, notTrusting, successionOf, type Authority, type Successor } from './succession';

const first: Authority = { pinSha256: 'a', certificatePem: 'A' };
const after = (name: string, some: Partial<Successor> = {}): Successor => ({
  ...{ pinSha256: name, certificatePem: name.toUpperCase(), crossCertificatePem: `x${name}` },
  ...{ tookOver: false, retiredBefore: false, ...some },
});
const shown = (successors: readonly Successor[]) => {
  const { all, signs, trusted, prepared, retiring, anchor, between } = successionOf(first, successors);
  return {
    stages: all.map(({ pinSha256, stage }) => `${pinSha256} ${stage}`),
    ...{ signs: signs.pinSha256, trusted: trusted.map(({ pinSha256 }) => pinSha256).join(''), between },
    ...{ prepared: prepared?.pinSha256, retiring: retiring?.pinSha256, anchor: anchor.pinSha256 },
  };
};

describe('an authority and what comes after it', () => {
  test('the first one signs alone', () => {
    const alone = { signs: 'a', trusted: 'a', prepared: undefined, retiring: undefined, anchor: 'a', between: [] };
    expect(shown([])).toEqual({ stages: ['a signs'], ...alone });
  });

  test('one that is prepared is trusted, and signs nothing', () => {
    const prepared = { signs: 'a', trusted: 'ab', prepared: 'b', retiring: undefined, anchor: 'a', between: [] };
    expect(shown([after('b')])).toEqual({ stages: ['a signs', 'b prepared'], ...prepared });
  });

  test('one that has taken over is vouched for by the one before, which is still trusted', () => {
    const took = { signs: 'b', trusted: 'ab', prepared: undefined, retiring: 'a', anchor: 'a', between: ['xb'] };
    expect(shown([after('b', { tookOver: true })])).toEqual({ stages: ['a retiring', 'b signs'], ...took });
  });

  test('who is retired is trusted no more, and vouches for nobody', () => {
    const over = { signs: 'b', trusted: 'b', prepared: undefined, retiring: undefined, anchor: 'b', between: [] };
    const stages = ['a retired', 'b signs'];
    expect(shown([after('b', { tookOver: true, retiredBefore: true })])).toEqual({ stages, ...over });
  });

  test('the next one may be prepared while one retires; chains then go the whole way', () => {
    const b = after('b', { tookOver: true });
    expect(shown([b, after('c')])).toMatchObject({ signs: 'b', trusted: 'abc', prepared: 'c', anchor: 'a' });
    const c = after('c', { tookOver: true });
    expect(shown([b, c])).toMatchObject({ signs: 'c', trusted: 'abc', anchor: 'a', between: ['xc', 'xb'] });
    expect(shown([b, { ...c, retiredBefore: true }])).toMatchObject({ trusted: 'c', anchor: 'c', between: [] });
  });

  test('a node that says nothing is ready for nothing', () => {
    const nodes = [
      { name: 'old', trust: undefined },
      { name: 'knows', trust: { authorities: ['a', 'b'], certifiedBy: 'a' } },
      { name: 'has', trust: { authorities: ['b'], certifiedBy: 'b' } },
    ];
    expect(notTrusting(nodes, after('b')).map(({ name }) => name)).toEqual(['old']);
    expect(notCertifiedBy(nodes, after('b')).map(({ name }) => name)).toEqual(['old', 'knows']);
  });
});
