// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from '@jest/globals';

/** The module is plain JavaScript for the bootstrap, which runs before anything could translate it. */
function packagesFor(need: string): string[] {
  const script = `import { systemPackages } from '${path.join(__dirname, 'system-packages.mjs')}'; console.log(JSON.stringify(systemPackages('${need}')))`;
  const env = { ...process.env, LOCKSTEP_KERNEL_SRC: '' };
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env }),
  ) as string[];
}

test("the source of Debian's kernel is installed for who builds a kernel from it, not for who patches one that is there", () => {
  expect(packagesFor('demo')).toContain('linux-source-6.1');
  expect(packagesFor('stock')).not.toContain('linux-source-6.1');
  expect(packagesFor('stock')).toEqual(expect.arrayContaining(['gcc', 'qemu-system-x86', 'xz-utils']));
});
