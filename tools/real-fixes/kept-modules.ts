// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PatchedFunction } from '@lockstep/domain/livepatch-model';

/** A fix that became a module: what is kept until it was loaded, and for those who load it again. */
export interface BuiltModule {
  readonly files: readonly string[];
  readonly objects: number;
  readonly seconds: number;
  readonly bytes: Uint8Array;
  readonly functions: readonly PatchedFunction[];
  readonly staysLoaded: boolean;
}

/** Modules in a folder beside the results: a run that is cut off has not built for nothing, and an exercise that changed builds none. */
export class KeptModules {
  private readonly folder: string | undefined;

  /** @param results file of the results; undefined: nothing is kept */
  constructor(results: string | undefined, kernel: string) {
    this.folder = results === undefined ? undefined : path.join(`${results}.modules`, kernel);
    if (this.folder !== undefined) mkdirSync(this.folder, { recursive: true });
  }

  /** @param fix sha256 of its diff */
  of(fix: string): BuiltModule | undefined {
    const file = this.fileOf(fix);
    if (file === undefined || !existsSync(file)) return undefined;
    const { bytes, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as Omit<BuiltModule, 'bytes'> & { bytes: string };
    return { ...rest, bytes: Buffer.from(bytes, 'base64') };
  }

  keep(fix: string, built: BuiltModule): void {
    const file = this.fileOf(fix);
    if (file === undefined) return;
    writeFileSync(`${file}.part`, JSON.stringify({ ...built, bytes: Buffer.from(built.bytes).toString('base64') }));
    renameSync(`${file}.part`, file);
  }

  private fileOf(fix: string): string | undefined {
    return this.folder === undefined ? undefined : path.join(this.folder, fix);
  }
}
