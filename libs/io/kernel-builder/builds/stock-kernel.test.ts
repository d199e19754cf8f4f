// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { buildIdOf, registrationFormat } from './registered-kernel';
import { offeredPackages } from '../vendors/fetch-packages';
import { registerGivenKernel, registerStockKernel } from './stock-kernel';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-register-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const release = '6.1.0-50-cloud-amd64';
const options = ['LIVEPATCH', 'MODULES', 'X86_64', 'KALLSYMS_ALL'];
const [compiler = ''] = execFileSync('gcc', ['--version'], { encoding: 'utf8' }).split('\n');

interface MadeUp {
  /** Of the source. */
  readonly sublevel?: number;
  /** Targets of the source's Makefile, beside its version. */
  readonly makefile?: string;
  /** Files and links in the source, by path. */
  readonly links?: Readonly<Record<string, string>>;
  /** What vmlinux says that it is. */
  readonly banner?: string;
  /** The rest of its banner. */
  readonly builtAs?: string;
  readonly config?: readonly string[];
  readonly compiler?: string;
  readonly symvers?: string;
  /** Of its config: that a build wrote it. */
  readonly header?: string;
  readonly isStripped?: boolean;
}

/** Packages of Debian's shape, with a vmlinux that says what it is told to say. */
function packages(name: string, madeUp: MadeUp): string {
  const {
    banner = release,
    builtAs = '#1 SMP Debian 6.1.176-1',
    config = options,
    compiler: built = compiler,
    sublevel = 176,
    makefile = '',
    links = {},
    symvers = '0x0\n',
    header = '',
    isStripped = false,
  } = madeUp;
  const root = path.join(dir, name);
  const put = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  const source = 'usr/src/linux-source-6.1';
  put(`${source}/Makefile`, `VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = ${sublevel}\n${makefile}`);
  put(`${source}/kernel/livepatch/core.c`, '');
  for (const [link, target] of Object.entries(links)) symlinkSync(target, path.join(root, source, link));
  put(
    `boot/config-${release}`,
    `#\n${header}${config.map((one) => `CONFIG_${one}=y\n`).join('')}CONFIG_CC_VERSION_TEXT="${built}"\n`,
  );
  put(`boot/vmlinuz-${release}`, '');
  put(`usr/src/linux-headers-${release}/Module.symvers`, symvers);
  for (const folder of [`lib/modules/${release}`, `usr/lib/debug/lib/modules/${release}`])
    mkdirSync(path.join(root, folder), { recursive: true });
  put('banner.c', `const char linux_banner[] = "Linux version ${banner} (a@b) (gcc) ${builtAs}";`);
  const vmlinux = `usr/lib/debug/boot/vmlinux-${release}`;
  mkdirSync(path.dirname(path.join(root, vmlinux)), { recursive: true });
  const link = ['-g', '-nostdlib', '-static', '-Wl,--build-id', '-Wl,-e,0', 'banner.c', '-o', vmlinux];
  execFileSync('gcc', link, { cwd: root, stdio: 'pipe' });
  if (isStripped) execFileSync('strip', ['--strip-debug', vmlinux], { cwd: root });
  return root;
}

const refusal = async (name: string, madeUp: MadeUp): Promise<unknown> =>
  registerStockKernel({
    distribution: 'debian',
    release,
    from: packages(name, madeUp),
    cacheDir: path.join(dir, 'cache'),
  }).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('packages that cannot be right are refused before anything is built', () => {
  test('of two versions: the release comes from vmlinux', async () => {
    expect(await refusal('mixed', { banner: '6.1.0-51-cloud-amd64' })).toMatchObject({
      kind: 'refused',
      reason: 'packages-mixed',
      fields: { expected: release, found: '6.1.0-51-cloud-amd64' },
    });
  });

  test('of a kernel without livepatching', async () => {
    expect(await refusal('without', { config: options.filter((one) => one !== 'LIVEPATCH') })).toMatchObject({
      reason: 'not-a-kernel-build',
      message: expect.stringContaining('CONFIG_LIVEPATCH') as unknown,
    });
  });

  test('of a kernel whose plugin draws random numbers', async () => {
    expect(await refusal('random', { config: [...options, 'GCC_PLUGIN_LATENT_ENTROPY'] })).toMatchObject({
      reason: 'not-a-kernel-build',
      message: expect.stringContaining('random numbers') as unknown,
    });
  });

  test('whose vmlinux objtool worked on as a whole', async () => {
    expect(await refusal('ibt', { config: [...options, 'X86_KERNEL_IBT'] })).toMatchObject({
      reason: 'not-a-kernel-build',
      message: expect.stringContaining('CONFIG_X86_KERNEL_IBT') as unknown,
    });
  });

  test('by a compiler that is a patch level off', async () => {
    const builtWith = compiler.replace(/\d+$/, '99');
    expect(await refusal('compiler', { compiler: builtWith })).toMatchObject({
      reason: 'compiler-differs',
      fields: { builtWith, found: compiler },
    });
  });

  test('with a config that the source does not grant: each option, what was asked and what it is', async () => {
    const makefile = 'olddefconfig:\n\tsed -i -e s/KALLSYMS_ALL=y/KALLSYMS_ALL=n/ -e /X86_64/d .config\n';
    expect(await refusal('dropped', { makefile })).toMatchObject({
      kind: 'refused',
      reason: 'options-dropped',
      fields: { options: ['X86_64=y (is n)', 'KALLSYMS_ALL=y (is n)'] },
    });
  });

  test('with a config of another version, which lacks an option: what it is by default', async () => {
    const makefile = 'olddefconfig:\n\techo CONFIG_NEWER=y >>.config\n';
    const header = '# Linux/x86 6.1.170 Kernel Configuration\n#\n';
    expect(await refusal('added', { makefile, header })).toMatchObject({
      kind: 'refused',
      reason: 'options-dropped',
      fields: { options: ['NEWER, of which it says nothing (is y)'] },
    });
  });

  test('with the list of exports of another build', async () => {
    const symvers = '0x12345678\tvfs_read\tvmlinux\tEXPORT_SYMBOL\t\n';
    expect(await refusal('headers', { symvers })).toMatchObject({
      reason: 'packages-mixed',
      message: expect.stringMatching(/Module\.symvers is of another build \(it has vfs_read, which/) as unknown,
    });
  });

  test('with a vmlinux that nobody knows the sources of', async () => {
    const makefile = 'olddefconfig modules_prepare:\n';
    expect(await refusal('stripped', { makefile, isStripped: true })).toMatchObject({
      kind: 'invalid-input',
      reason: 'no-symbols',
      message: expect.stringContaining('has no debug information') as unknown,
    });
  });

  test('nor do they wait for the build that comes first, nor leave half a tree behind', async () => {
    const cacheDir = path.join(dir, 'cache-of-stripped');
    const makefile = 'olddefconfig:\nmodules_prepare:\n\tsleep 60\n';
    const from = packages('stripped-early', { makefile, isStripped: true });
    const registering = registerStockKernel({ distribution: 'debian', release, from, cacheDir });
    await expect(registering).rejects.toMatchObject({ reason: 'no-symbols' });
    expect(readdirSync(path.join(cacheDir, 'registered')).filter((name) => !name.endsWith('.lock'))).toEqual([]);
  }, 30_000);

  test('with a source of another version than the kernel names: before its build prepares it', async () => {
    const makefile = 'olddefconfig:\n';
    expect(await refusal('source', { makefile, sublevel: 177 })).toMatchObject({
      reason: 'packages-mixed',
      fields: { expected: '6.1.176', found: '6.1.177' },
    });
  });
});

describe('a kernel that is registered', () => {
  /** Registered, as far as its description goes: whoever takes it for that misses the rest of it. */
  async function registeredAs(name: string, format: number | undefined, ...marks: string[]): Promise<unknown> {
    const madeUp = { makefile: 'olddefconfig modules_prepare:\n', sublevel: 177 };
    const vmlinux = readFileSync(path.join(packages(name, madeUp), `usr/lib/debug/boot/vmlinux-${release}`));
    const registered = path.join(dir, 'cache/registered', buildIdOf(vmlinux, 'vmlinux'));
    mkdirSync(registered, { recursive: true });
    const stock = { distribution: 'debian', vmlinuxSha256: '0'.repeat(64), remarks: [] };
    const info = { format, release, treeDir: path.join(registered, 'tree'), stock };
    writeFileSync(path.join(registered, 'kernel-build.json'), JSON.stringify(info));
    for (const file of marks) writeFileSync(path.join(registered, file), '');
    for (const [file, text] of Object.entries({ 'dependency-index.json': '{}', '.complete': '' }))
      writeFileSync(path.join(registered, file), text);
    const refused = await refusal(name, madeUp);
    // Packages that say the same have the same build-id.
    rmSync(registered, { recursive: true, force: true });
    return refused;
  }

  test('by an older version is read again: its index may name objects that nobody can make', async () => {
    expect(await registeredAs('older', undefined)).toMatchObject({ reason: 'packages-mixed' });
  });

  test('is read again after a patch was refused for what it was registered from: that may be mended', async () => {
    expect(await registeredAs('doubted', registrationFormat, 'doubted')).toMatchObject({ reason: 'packages-mixed' });
  });

  test('by this version is opened as it is', async () => {
    expect(await registeredAs('current', registrationFormat)).toMatchObject({ code: 'ENOENT' });
  });
});

describe('a kernel that came through apt', () => {
  const version = '6.1.176-1';
  /** Programs of apt's names: one version of everything is offered, and nothing can be fetched. */
  const withApt = async (work: () => Promise<unknown>, does: Record<string, string> = {}): Promise<unknown> => {
    const programs = path.join(dir, 'apt');
    mkdirSync(programs, { recursive: true });
    const all = { 'apt-cache': `echo Version: ${version}`, 'apt-get': 'exit 1', ...does };
    for (const [name, does] of Object.entries(all))
      writeFileSync(path.join(programs, name), `#!/bin/sh\n${does}\n`, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = `${programs}:${before ?? ''}`;
    return work().finally(() => {
      process.env['PATH'] = before;
    });
  };

  async function registerAgain(packages: readonly string[]): Promise<unknown> {
    const cacheDir = path.join(dir, 'cache-of-apt');
    const id = 'ab'.repeat(20);
    const registered = path.join(cacheDir, 'registered', id);
    mkdirSync(registered, { recursive: true });
    const stock = { distribution: 'debian', packages, remarks: [] };
    const info = { format: registrationFormat, id, release, treeDir: path.join(registered, 'tree'), stock };
    writeFileSync(path.join(registered, 'kernel-build.json'), JSON.stringify(info));
    for (const [file, text] of Object.entries({ 'dependency-index.json': '{}', '.complete': '' }))
      writeFileSync(path.join(registered, file), text);
    return withApt(async () =>
      registerStockKernel({ distribution: 'debian', release, cacheDir }).catch((error: unknown) => error),
    );
  }

  test('and is offered in the same versions still is not fetched again', async () => {
    const offered = (await withApt(async () => offeredPackages({ distribution: 'debian', release }))) as string[];
    expect(offered).toContain(`linux-image-${release}-dbg=${version}`);
    // Opened as it is: its facts are not there.
    expect(await registerAgain(offered)).toMatchObject({ code: 'ENOENT' });
  });

  test.each([
    ['that cannot be right are not kept', { banner: '6.1.0-51-cloud-amd64' }, 'packages-mixed', false],
    ['for which a compiler is missing here serve the next try', { compiler: 'gcc 1' }, 'compiler-differs', true],
  ] as const)('packages %s', async (_, madeUp, reason, areKept) => {
    const cacheDir = path.join(dir, `cache-${reason}`);
    const unpacked = packages(`offered-${reason}`, madeUp);
    const does = { 'apt-get': 'touch one.deb', 'dpkg-deb': `cp -a ${unpacked}/. $3` };
    const refused = await withApt(
      async () => registerStockKernel({ distribution: 'debian', release, cacheDir }).catch((error: unknown) => error),
      does,
    );
    expect(refused).toMatchObject({ reason });
    expect(existsSync(path.join(cacheDir, `packages/debian-${release}`))).toBe(areKept);
  });

  test('and is offered in another version is', async () => {
    expect(await registerAgain([`linux-image-${release}=6.1.170-1`])).toMatchObject({ reason: 'packages-unavailable' });
  });
});

describe('a kernel of which there is source, config and vmlinux alone', () => {
  const given = async (name: string, madeUp: MadeUp): Promise<unknown> => {
    const root = packages(name, madeUp);
    return registerGivenKernel({
      source: path.join(root, 'usr/src/linux-source-6.1'),
      config: path.join(root, `boot/config-${release}`),
      vmlinux: path.join(root, `usr/lib/debug/boot/vmlinux-${release}`),
      symvers: undefined,
      cacheDir: path.join(dir, 'cache'),
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
  };

  test('is of the version that its release begins with', async () => {
    const makefile = 'olddefconfig modules_prepare:\n';
    const madeUp = { makefile, sublevel: 177, banner: '6.1.176-mine', builtAs: '#1 SMP PREEMPT' };
    expect(await given('given-source', madeUp)).toMatchObject({
      reason: 'packages-mixed',
      fields: { expected: '6.1.176', found: '6.1.177' },
    });
  });

  test.each([
    ['6.1.0-91-generic', 176, undefined],
    ['6.1.0-91-generic', 0, undefined],
    ['6.5.0-91-generic', 176, '6.5.0'],
    ['6.1.0', 176, '6.1.0'],
    ['6.1.0-rc1', 176, '6.1.0'],
  ])(
    'a release that a vendor numbers says of the version its series alone: %s, SUBLEVEL %i',
    async (banner, sublevel, expected) => {
      const madeUp = { makefile: 'olddefconfig modules_prepare:\n', sublevel, banner, builtAs: '#91-Ubuntu SMP' };
      const error = await given(`series-${banner}-${sublevel}`, madeUp);
      if (expected === undefined) expect(error).not.toMatchObject({ reason: 'packages-mixed' });
      else expect(error).toMatchObject({ reason: 'packages-mixed', fields: { expected } });
    },
  );

  test('that was built with checksums of its exports needs the list of them', async () => {
    expect(await given('given-checksums', { config: [...options, 'MODVERSIONS'] })).toMatchObject({
      reason: 'not-a-kernel-build',
      message: expect.stringContaining('Module.symvers') as unknown,
    });
  });
});

describe('a disk that is full', () => {
  const full = (said: RegExp): object => ({
    kind: 'unavailable',
    reason: 'disk-full',
    message: expect.stringMatching(/LOCKSTEP_CACHE_MAX_BYTES/) as unknown,
    fields: { dir: path.join(dir, 'cache'), said: expect.stringMatching(said) as unknown },
  });

  test('when a file of the tree is written', async () => {
    const refused = await refusal('full', { links: { 'Module.symvers': '/dev/full' } });
    expect(refused).toMatchObject(full(/^ENOSPC/));
  });

  test("when the kernel's own build writes", async () => {
    const makefile = 'olddefconfig modules_prepare:\n\tcp Makefile /dev/full\n';
    expect(await refusal('full-make', { makefile })).toMatchObject(full(/No space left on device/));
  });
});
