// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applyFileDiff } from './apply-diff';
import { classifyChanges } from './change-classes';
import { isPatchable } from './compile-object';
import { objectsThatRead, type IndexedObject } from './dependency-index';
import { isMissing } from './errno';
import { buildError } from './failure';
import type { KernelBuild } from './registered-kernel';
import { parseUnifiedDiff, type FileDiff } from './unified-diff';

/** A diff, read against a kernel build: what it makes of the tree, and what of the build that can reach. */
export interface ReadPatch {
  /** New contents by path, latin1; null for a deleted file. */
  readonly changed: ReadonlyMap<string, string | null>;
  /** Those of its files that can change compiled code. */
  readonly files: readonly string[];
  /** Compiled from C into vmlinux or a module, in path order. */
  readonly objects: readonly IndexedObject[];
  /** Why make must find what to build; empty where replaying the saved commands is right. */
  readonly makeReasons: readonly string[];
  /** Whatever else reads the files: generated headers' listings, assembly, boot code. It must come out the same. */
  readonly gates: readonly IndexedObject[];
}

/**
 * Applies a diff to the registered tree, in memory, and looks up who reads what it changes.
 * @param diff unified, `-p1`; text is taken as UTF-8
 * @throws LockstepError `diff-syntax`, `diff-does-not-apply`, `changes-no-object`
 */
export async function readPatch(kernel: KernelBuild, diff: string | Uint8Array): Promise<ReadPatch> {
  const diffs = parseUnifiedDiff(Buffer.from(diff).toString('latin1'));
  const changed = await applyToTree(diffs, kernel.treeDir);
  const { files, makeReasons } = classifyChanges(diffs, kernel.index);
  const affected = objectsThatRead(kernel.index, files);
  if (affected.length === 0 && makeReasons.length === 0) {
    throw buildError({ kind: 'changes-no-object', files: [...changed.keys()], compiledObjects: 0 });
  }
  const objects = affected.filter(isPatchable);
  return { changed, files, makeReasons, objects, gates: affected.filter((object) => !objects.includes(object)) };
}

async function applyToTree(diffs: readonly FileDiff[], treeDir: string): Promise<Map<string, string | null>> {
  const changed = new Map<string, string | null>();
  for (const diff of diffs) {
    const path = diff.newPath ?? diff.oldPath ?? '';
    const before = await readFile(join(treeDir, path), 'latin1').catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    changed.set(path, applyFileDiff(before, diff));
  }
  return changed;
}
