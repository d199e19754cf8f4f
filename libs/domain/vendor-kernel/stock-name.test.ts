// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseStockName } from './stock-name';
import { distributions, layoutOf } from './vendor-layouts';

describe("a distribution's kernel by name", () => {
  test.each([
    ['debian', '6.1.0-50-cloud-amd64'],
    ['ubuntu', '5.15.0-101-generic'],
    ['rhel', '5.14.0-427.13.1.el9_4.x86_64'],
  ])('%s %s', (distribution, release) => {
    expect(parseStockName(distribution, release)).toEqual({ distribution, release });
  });

  test.each(['', '..', '6.1/../../etc', '6.1.0 -o x', '-y', '6.1.0;reboot', `6.1.${'0'.repeat(200)}`, '6.1..0'])(
    'no release: %p',
    (release) => {
      expect(() => parseStockName('debian', release)).toThrow(/is no kernel release: give what uname -r prints/);
    },
  );

  test('an unknown distribution is told which are known', () => {
    expect(() => parseStockName('plan9', '6.1.0')).toThrow(/"plan9" is no distribution.*debian, ubuntu, rhel/);
  });

  test.each(distributions)('of %s every package and command is of that release, or of its series', (distribution) => {
    const { packages, commands } = layoutOf(distribution, '6.1.0-50-cloud-amd64');
    for (const { name } of packages) expect(name).toMatch(/6\.1/);
    expect(commands.join('\n')).toContain('FOLDER');
  });
});
