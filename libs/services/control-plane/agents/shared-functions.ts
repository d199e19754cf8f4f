// SPDX-License-Identifier: GPL-2.0-only
import type { LoadedPatch, NodeReport, PatchedFunction } from '@lockstep/contracts/generated';

/** Nodes that have loaded a module say the same of it; so many modules' functions are remembered. */
const mostModules = 1_024;

const areSame = (a: readonly PatchedFunction[], b: readonly PatchedFunction[]): boolean =>
  a.length === b.length &&
  a.every(({ object, name, sympos }, at) => {
    const other = b[at];
    return other?.name === name && other.object === object && other.sympos === sympos;
  });

/**
 * Most of a report is the functions of loaded modules, which are the same for each node: they are kept once. By their
 * content, never by a name alone: what one node says is nothing that another one has said.
 */
export class SharedFunctions {
  private readonly known = new Map<string, PatchedFunction[]>();

  /** Changes nothing of what it says. */
  share(report: NodeReport): void {
    for (const patch of report.stack) patch.functions = this.same(patch);
  }

  private same({ moduleName, artifactSha256, functions }: LoadedPatch): PatchedFunction[] {
    const key = `${moduleName} ${artifactSha256}`;
    const known = this.known.get(key);
    if (known !== undefined && areSame(known, functions)) return known;
    if (known !== undefined) return functions;
    const [oldest] = this.known.keys();
    if (oldest !== undefined && this.known.size >= mostModules) this.known.delete(oldest);
    this.known.set(key, functions);
    return functions;
  }
}
