// SPDX-License-Identifier: GPL-2.0-only
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ExportedSymbol } from '@lockstep/domain/klp-module';
import type { CompileJob } from './compile-object';
import { refuseChangedVersions, type ExportVersions } from './export-versions';
import { runCommand } from '../processes/run-command';

const command = 'gcc -Wp,-MMD,fs/.a.o.d -O2 -Iinclude -c -o fs/a.o fs/a.c';
const header = 'struct state { int users; };\n';
/** Only a pointer to the struct is passed on: whatever is in it, the code is the same. */
const source = `#include <state.h>
int opened(struct state *state) { return state != 0; }
const void *const __ksymtab_opened = opened;
`;
/** What the kernel's genksyms does, to whoever only compares: a sum over the types, and with -T the types. */
const genksyms = `#!/bin/sh
[ "$1 $2" = "-r /dev/null" ] || exit 1
types=$4
[ -n "$types" ] || types=/dev/null
text=$(grep -v '^#')
echo "$text" | sed -n 's/^struct state { \\(.*\\)};/s#state struct state { \\1}/p; s/^struct state;/s#state struct state { UNKNOWN }/p' | tail -1 >"$types"
echo 'opened int opened ( s#state * )' >>"$types"
printf '#SYMVER opened 0x%08x\\n' "$(echo "$text" | cksum | cut -d' ' -f1)"
`;

let dir = '';
const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), text);
};

const job: CompileJob = {
  indexed: { path: 'fs/a.o', source: 'fs/a.c', object: 'vmlinux' },
  saved: {
    target: 'fs/a.o',
    command: `${command} ; ./tools/objtool/objtool --orc fs/a.o`,
    source: 'fs/a.c',
    dependencies: [],
  },
  compile: command,
  objtool: '',
  command,
  names: [],
};

const kernel = (crc: number, ...options: string[]): ExportVersions => ({
  treeDir: join(dir, 'registered'),
  enabledOptions: new Set(options),
  facts: { exports: new Map([['opened', { name: 'opened', crc, owner: 'vmlinux' } as ExportedSymbol]]) },
});

const compile = async (): Promise<Buffer> => {
  const { status, output } = await runCommand('sh', ['-c', command], { cwd: dir });
  expect([status, output]).toEqual([0, '']);
  return readFile(join(dir, 'fs/a.o'));
};

/** The tree as it is now is what the kernel was built from. */
async function keep(): Promise<void> {
  for (const part of ['include', 'fs', 'scripts']) {
    await cp(join(dir, part), join(dir, 'registered', part), { recursive: true });
  }
}

/** The version that the kernel was built with. */
async function versionNow(): Promise<number> {
  const { output } = await runCommand(
    'sh',
    ['-c', 'gcc -E -D__GENKSYMS__ -O2 -Iinclude fs/a.c | scripts/genksyms/genksyms -r /dev/null'],
    {
      cwd: dir,
    },
  );
  return Number(output.trim().split(' ')[2]);
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-versions-'));
  await put('include/state.h', header);
  await put('fs/a.c', source);
  await put('scripts/genksyms/genksyms', genksyms);
  await chmod(join(dir, 'scripts/genksyms/genksyms'), 0o755);
  await keep();
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test('a type behind a pointer changes the version, though not a byte of the object', async () => {
  const version = await versionNow();
  const before = await compile();
  await expect(refuseChangedVersions(job, before, kernel(version, 'MODVERSIONS'), dir)).resolves.toBeUndefined();
  await put('include/state.h', 'struct state { int users; int readers; };\n');
  const after = await compile();
  expect(after.equals(before)).toBe(true);
  await expect(refuseChangedVersions(job, after, kernel(version, 'MODVERSIONS'), dir)).rejects.toMatchObject({
    kind: 'refused',
    reason: 'export-version-changed',
    fields: { object: 'fs/a.o', file: 'fs/a.c', function: 'opened', type: 'struct state' },
  });
});

test('a type that an added #include completes is the type that it was', async () => {
  await put('include/state.h', 'struct state;\n');
  await keep();
  const version = await versionNow();
  const before = await compile();
  await put('include/state.h', 'struct state;\nstruct state { int users; };\n');
  expect(await versionNow()).not.toBe(version);
  await expect(refuseChangedVersions(job, before, kernel(version, 'MODVERSIONS'), dir)).resolves.toBeUndefined();
});

test('what genksyms cannot tell is refused, not passed over', async () => {
  const version = await versionNow();
  await put('scripts/genksyms/genksyms', '#!/bin/sh\nexit 1\n');
  await expect(refuseChangedVersions(job, await compile(), kernel(version, 'MODVERSIONS'), dir)).rejects.toMatchObject({
    reason: 'export-version-changed',
  });
});

test('without MODVERSIONS, and of symbols that the kernel does not have, there are no versions', async () => {
  const object = await compile();
  await expect(refuseChangedVersions(job, object, kernel(1), dir)).resolves.toBeUndefined();
  const others: ExportVersions = { ...kernel(1, 'MODVERSIONS'), facts: { exports: new Map() } };
  await expect(refuseChangedVersions(job, object, others, dir)).resolves.toBeUndefined();
});
