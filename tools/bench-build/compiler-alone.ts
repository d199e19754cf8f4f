// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseCmdFile, withSectionFlags } from '@lockstep/domain/source-patch';
import { mapAtOnce, runCommand } from '@lockstep/io/kernel-builder';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';

/**
 * The floor: gcc on these objects, once each, as many at a time as there are processors, and nothing else. Output goes
 * elsewhere, so that the tree can be the registered one.
 * @returns seconds
 */
export async function compilerAlone(treeDir: string, objectPaths: readonly string[]): Promise<number> {
  using scratch = ScratchDirectory.create('floor');
  const commands = await Promise.all(
    objectPaths.map(async (object, index) => gccCommand(treeDir, object, path.join(scratch.path, String(index)))),
  );
  const started = performance.now();
  await mapAtOnce(commands, availableParallelism(), async (command) => {
    const { status, output } = await runCommand('sh', ['-c', command], { cwd: treeDir });
    if (status !== 0) throw new Error(`the compiler alone failed: ${output}`);
  });
  return (performance.now() - started) / 1000;
}

async function gccCommand(treeDir: string, object: string, output: string): Promise<string> {
  const cmdFile = path.join(treeDir, path.dirname(object), `.${path.basename(object)}.cmd`);
  const saved = parseCmdFile(await readFile(cmdFile, 'latin1'));
  if (saved === undefined) throw new Error(`${cmdFile} holds no command`);
  // Without what follows the compiler (objtool).
  const [gcc = ''] = withSectionFlags(saved).split(' ; ');
  return gcc.replace(/-Wp,-MM?D,\S+/, `-Wp,-MMD,${output}.d`).replace(` -c -o ${saved.target} `, ` -c -o ${output}.o `);
}
