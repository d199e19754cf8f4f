// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parseElf, readBuildId, sectionType } from '@lockstep/domain/elf';
import type { Distribution } from '@lockstep/domain/vendor-kernel';
import { fetchPackages, offeredPackages } from './fetch-packages';
import { findVendorKernel } from './find-vendor-kernel';
import { isCodeOrSymbols, readSections } from './read-sections';
import { keepVendorFiles, readKeptModule, readVendorVmlinux } from './vendor-files';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-vendor-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** Made-up trees of the shape that each vendor's packages unpack to: the parts, and where each is. */
const shapes: readonly [Distribution, string, Readonly<Record<string, string>>][] = [
  [
    'debian',
    '6.1.0-50-cloud-amd64',
    {
      source: 'usr/src/linux-source-6.1.tar.xz',
      config: 'boot/config-6.1.0-50-cloud-amd64',
      symvers: 'usr/src/linux-headers-6.1.0-50-cloud-amd64/Module.symvers',
      vmlinux: 'usr/lib/debug/boot/vmlinux-6.1.0-50-cloud-amd64',
      modules: 'lib/modules/6.1.0-50-cloud-amd64',
      debugModules: 'usr/lib/debug/lib/modules/6.1.0-50-cloud-amd64',
      image: 'boot/vmlinuz-6.1.0-50-cloud-amd64',
    },
  ],
  [
    'debian',
    '6.1.0-57-rt-amd64',
    {
      source: 'usr/src/linux-source-6.1-rt',
      config: 'boot/config-6.1.0-57-rt-amd64',
      symvers: 'usr/src/linux-headers-6.1.0-57-rt-amd64/Module.symvers',
      vmlinux: 'usr/lib/debug/boot/vmlinux-6.1.0-57-rt-amd64',
      modules: 'lib/modules/6.1.0-57-rt-amd64',
      debugModules: 'usr/lib/debug/lib/modules/6.1.0-57-rt-amd64',
      image: 'boot/vmlinuz-6.1.0-57-rt-amd64',
    },
  ],
  [
    'ubuntu',
    '5.15.0-101-generic',
    {
      source: 'usr/src/linux-source-5.15.0/linux-source-5.15.0.tar.bz2',
      config: 'boot/config-5.15.0-101-generic',
      symvers: 'usr/src/linux-headers-5.15.0-101-generic/Module.symvers',
      vmlinux: 'usr/lib/debug/boot/vmlinux-5.15.0-101-generic',
      modules: 'lib/modules/5.15.0-101-generic',
      debugModules: 'usr/lib/debug/lib/modules/5.15.0-101-generic',
      image: 'boot/vmlinuz-5.15.0-101-generic',
    },
  ],
  [
    'rhel',
    '5.14.0-427.13.1.el9_4.x86_64',
    {
      source: 'usr/src/linux-5.14.0-427.13.1.el9_4.tar.xz',
      config: 'lib/modules/5.14.0-427.13.1.el9_4.x86_64/config',
      symvers: 'lib/modules/5.14.0-427.13.1.el9_4.x86_64/symvers.gz',
      vmlinux: 'usr/lib/debug/lib/modules/5.14.0-427.13.1.el9_4.x86_64/vmlinux',
      modules: 'lib/modules/5.14.0-427.13.1.el9_4.x86_64',
      debugModules: 'usr/lib/debug/lib/modules/5.14.0-427.13.1.el9_4.x86_64',
      image: 'lib/modules/5.14.0-427.13.1.el9_4.x86_64/vmlinuz',
    },
  ],
];

/** Folders for the parts that are folders, empty files for the others. */
function unpack(name: string, parts: Readonly<Record<string, string>>): string {
  const root = path.join(dir, name);
  for (const [part, place] of Object.entries(parts)) {
    const isFolder = part === 'modules' || part === 'debugModules';
    mkdirSync(path.join(root, isFolder ? place : path.dirname(place)), { recursive: true });
    if (!isFolder) writeFileSync(path.join(root, place), part);
  }
  return root;
}

describe.each(shapes)('packages of %s, %s, unpacked', (distribution, release, parts) => {
  test('each part is found', async () => {
    const root = unpack(release, parts);
    const found = await findVendorKernel(distribution, release, root);
    const expected = Object.fromEntries(Object.entries(parts).map(([part, place]) => [part, path.join(root, place)]));
    expect(found).toEqual({ distribution, release, ...expected });
  });

  test('what is missing is named, with where it is looked for, its packages and what to type', async () => {
    const { vmlinux, ...rest } = parts;
    const root = unpack(`${release}-without`, rest);
    await expect(findVendorKernel(distribution, release, root)).rejects.toMatchObject({
      kind: 'invalid-input',
      reason: 'packages-missing',
      message: expect.stringContaining(vmlinux ?? '') as unknown,
      fields: { dir: root, missing: [expect.stringMatching(/^vmlinux /) as unknown] },
    });
  });
});

describe('packages that cannot be fetched', () => {
  test('a distribution without apt: what to type is said', async () => {
    const fetching = offeredPackages({ distribution: 'rhel', release: '5.14.0-1.el9.x86_64' });
    await expect(fetching).rejects.toMatchObject({
      reason: 'packages-unavailable',
      message: expect.stringMatching(
        /kernel-debuginfo-5\.14\.0-1\.el9\.x86_64[\s\S]*--from FOLDER[\s\S]*rpm2cpio/,
      ) as unknown,
    });
  });

  test('a source that is in no package: told before gigabytes of the others are fetched', async () => {
    const fetching = offeredPackages({ distribution: 'debian', release: '6.1.0-57-rt-amd64' });
    await expect(fetching).rejects.toMatchObject({
      reason: 'packages-unavailable',
      message: expect.stringMatching(
        /real-time patches[\s\S]*--from FOLDER[\s\S]*patches-rt[\s\S]*FOLDER\/usr\/src\/linux-source-6\.1-rt/,
      ) as unknown,
    });
  });

  test('a machine without apt', async () => {
    const before = process.env['PATH'];
    process.env['PATH'] = dir;
    const fetching = offeredPackages({ distribution: 'debian', release: '6.1.0-50-amd64' }).finally(() => {
      process.env['PATH'] = before;
    });
    await expect(fetching).rejects.toMatchObject({
      kind: 'unavailable',
      reason: 'packages-unavailable',
      message: expect.stringMatching(
        /apt-cache is not there[\s\S]*apt-get download linux-image-6\.1\.0-50-amd64/,
      ) as unknown,
    });
  });

  test('a release that apt does not know', async () => {
    const release = '6.1.0-999-made-up';
    const fetching = offeredPackages({ distribution: 'debian', release });
    await expect(fetching).rejects.toMatchObject({
      reason: 'packages-unavailable',
      fields: { release, packages: expect.arrayContaining([`linux-image-${release}-dbg`]) as unknown },
    });
    // apt reads its lists first.
  });
});

describe('packages that were fetched by a run that failed later', () => {
  const folder = path.join(dir, 'fetched');
  /** Fetched by programs of apt's names; what the folder holds then. */
  async function fetched(offered: string): Promise<string> {
    const programs = path.join(dir, 'apt');
    mkdirSync(programs, { recursive: true });
    const does = { 'apt-get': 'shift 2; echo "$@" > some.deb', 'dpkg-deb': 'cat "$2" >> "$3/unpacked"' };
    for (const [name, text] of Object.entries(does))
      writeFileSync(path.join(programs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const before = process.env['PATH'];
    process.env['PATH'] = `${programs}:${before ?? ''}`;
    await fetchPackages([offered], { distribution: 'debian', release: '6.1.0-50-amd64', dir: folder }).finally(() => {
      process.env['PATH'] = before;
    });
    return readFileSync(path.join(folder, 'unpacked'), 'utf8');
  }

  test('are taken as they are, but not for those of another version', async () => {
    expect(await fetched('linux-image=6.1.176-1')).toBe('linux-image=6.1.176-1\n');
    expect(await fetched('linux-image=6.1.176-1')).toBe('linux-image=6.1.176-1\n');
    expect(await fetched('linux-image=6.1.176-2')).toBe('linux-image=6.1.176-2\n');
  });
});

const run = (program: string, ...args: string[]): void => {
  execFileSync(program, args, { cwd: dir, stdio: 'pipe' });
};

describe('an ELF file that is read by the sections that are needed', () => {
  writeFileSync(
    path.join(dir, 'code.c'),
    'static int used; int f(void) { return used++; } int main(void) { return f(); }',
  );
  run('gcc', '-g', '-O1', '-no-pie', 'code.c', '-o', 'whole');
  const whole = parseElf(new Uint8Array(readFileSync(path.join(dir, 'whole'))), 'whole');

  test('is a whole one in itself, with the same code, symbols and build-id, and without the rest', async () => {
    const part = parseElf(await readSections(path.join(dir, 'whole'), isCodeOrSymbols), 'part');
    expect(part.sections.map(({ name }) => name)).toEqual(whole.sections.map(({ name }) => name));
    expect(readBuildId(part)).toBe(readBuildId(whole));
    expect(part.symbols.count).toBe(whole.symbols.count);
    for (const [index, section] of whole.sections.entries()) {
      const kept = part.sections[index];
      if (kept === undefined) throw new Error('as many sections');
      expect(part.sectionTable.addressLow(index)).toBe(whole.sectionTable.addressLow(index));
      const isNeeded = !section.name.startsWith('.debug') && section.type !== sectionType.rela;
      expect([section.name, part.bytesOf(kept)]).toEqual([
        section.name,
        isNeeded ? whole.bytesOf(section) : new Uint8Array(0),
      ]);
    }
    expect(part.bytes.length).toBeLessThan(whole.bytes.length);
  });

  test('has what was compressed as it was before', async () => {
    const isLines = ({ name }: { readonly name: string }): boolean => name === '.debug_line';
    const linesOf = async (file: string): Promise<Uint8Array | undefined> => {
      const part = parseElf(await readSections(path.join(dir, file), isLines), file);
      const section = part.sections.find(isLines);
      return section && part.bytesOf(section);
    };
    run('objcopy', '--compress-debug-sections=zlib', 'whole', 'compressed');
    const lines = await linesOf('whole');
    expect(lines?.length).toBeGreaterThan(0);
    expect(await linesOf('compressed')).toEqual(lines);
  });

  test('a kernel without symbols is refused', async () => {
    run('strip', 'whole', '-o', 'stripped');
    await expect(readVendorVmlinux(path.join(dir, 'stripped'))).rejects.toMatchObject({ reason: 'no-symbols' });
  });

  test('a file that is cut short is refused', async () => {
    writeFileSync(path.join(dir, 'cut'), readFileSync(path.join(dir, 'whole')).subarray(0, 2000));
    await expect(readVendorVmlinux(path.join(dir, 'cut'))).rejects.toMatchObject({ reason: 'malformed-elf' });
  });
});

describe("a vendor's modules", () => {
  const [, release, parts] = shapes[0] as (typeof shapes)[number];
  const module = (name: string, value: number): void => {
    writeFileSync(
      path.join(dir, `${name}.c`),
      `static int secret(int v) { return v + ${value}; } int (*hook)(int) = secret;`,
    );
    run('gcc', '-g', '-O1', '-c', `${name}.c`, '-o', `${name}.o`);
    run('ld', '-r', '--build-id', `${name}.o`, '-o', `${name}.whole`);
    run('strip', '--strip-debug', `${name}.whole`, '-o', `${name}.ko`);
    run('objcopy', '--only-keep-debug', `${name}.whole`, `${name}.ko.debug`);
  };

  let made = 0;
  /** One module as it ships, and its debug file under either name. */
  async function kept(compress: string[], debugName: string, debugOf = 'first'): Promise<string> {
    const root = unpack(`modules-${(made += 1)}`, parts);
    run('gcc', '-g', '-no-pie', 'code.c', '-o', path.join(root, parts['vmlinux'] ?? ''));
    const places = [parts['modules'], parts['debugModules']].map((part) => path.join(root, part ?? '', 'kernel/net'));
    const [own = '', debug = ''] = places;
    for (const place of places) mkdirSync(place, { recursive: true });
    module('first', 1);
    module('second', 2);
    const file = path.join(own, 'first-one.ko');
    writeFileSync(file, readFileSync(path.join(dir, 'first.ko')));
    const [program, ...args] = compress;
    if (program !== undefined) run(program, ...args, file);
    writeFileSync(path.join(debug, debugName), readFileSync(path.join(dir, `${debugOf}.ko.debug`)));
    const tree = path.join(root, 'tree');
    const vendor = await findVendorKernel('debian', release, root);
    const units = await keepVendorFiles(vendor, tree, await readVendorVmlinux(vendor.vmlinux));
    expect(
      units.find(({ object }) => object === 'first_one')?.units.map(({ source }) => path.basename(source)),
    ).toEqual([`${debugOf}.c`]);
    return tree;
  }

  test.each([
    ['', [], 'first-one.ko'],
    ['.xz', ['xz'], 'first-one.ko.debug'],
    ['.gz', ['gzip'], 'first-one.ko.debug'],
  ])('as they ship (%s)', async (_, compress, debugName) => {
    const found = await readKeptModule(await kept(compress, debugName), 'first_one');
    expect(Buffer.from(found?.module ?? []).equals(readFileSync(path.join(dir, 'first.ko')))).toBe(true);
    const named = parseElf(found?.symbols ?? new Uint8Array(0), 'debug').symbols;
    expect(Array.from({ length: named.count }, (_, symbol) => named.name(symbol))).toContain('first.c');
  });

  test('whose debug file is of another build is refused', async () => {
    const tree = await kept([], 'first-one.ko.debug', 'second');
    await expect(readKeptModule(tree, 'first_one')).rejects.toMatchObject({ reason: 'debug-file-differs' });
  });

  test.each([
    ['.xz', ['xz'], /first_one\.ko\.xz cannot be unpacked: xz ended with status 1: .*again$/s],
    ['.gz', ['gzip'], /first_one\.ko\.gz cannot be unpacked: .*again$/s],
  ])('that did not come whole (%s)', async (suffix, compress, said) => {
    const tree = await kept(compress, 'first-one.ko.debug', 'first');
    const file = path.join(tree, `.vendor/modules/first_one.ko${suffix}`);
    writeFileSync(file, readFileSync(file).subarray(0, 100));
    await expect(readKeptModule(tree, 'first_one')).rejects.toMatchObject({
      reason: 'file-broken',
      message: expect.stringMatching(said) as unknown,
    });
  });

  test('that nothing here can unpack', async () => {
    const tree = await kept(['xz'], 'first-one.ko.debug');
    const before = process.env['PATH'];
    process.env['PATH'] = dir;
    const reading = readKeptModule(tree, 'first_one').finally(() => {
      process.env['PATH'] = before;
    });
    await expect(reading).rejects.toMatchObject({
      reason: 'tool-missing',
      message: expect.stringContaining('apt-get install xz-utils') as unknown,
    });
  });

  test('that there is none of', async () => {
    expect(await readKeptModule(path.join(dir, 'whatever'), 'nothing')).toBeUndefined();
  });
});
