// SPDX-License-Identifier: GPL-2.0-only

/** A CPU profile as V8 writes it, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Ids of nodes, and what passed before each sample in µs. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface HotFunction {
  readonly name: string;
  /** The package or file that it is in. */
  readonly place: string;
  readonly selfMs: number;
}

function placeOf(url: string): string {
  const [, inPackages] = /node_modules\/(?!.*node_modules\/)((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  return inPackages ?? url.slice(url.lastIndexOf('/') + 1);
}

/** The functions that computed most by themselves, without those they called; nothing of the time when nothing was done. */
export function hottestFunctions({ nodes, samples, timeDeltas }: CpuProfile, limit: number): HotFunction[] {
  const selfUs = new Map<number, number>();
  for (const [index, id] of samples.entries()) selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  const found = new Map<string, HotFunction>();
  for (const { id, callFrame } of nodes) {
    const { functionName, url, lineNumber } = callFrame;
    if (functionName === '(idle)') continue;
    const name = functionName === '' ? `line ${lineNumber + 1}` : functionName;
    const place = placeOf(url);
    const key = `${name} ${place} ${lineNumber}`;
    const before = found.get(key)?.selfMs ?? 0;
    found.set(key, { name, place, selfMs: before + (selfUs.get(id) ?? 0) / 1000 });
  }
  return [...found.values()].sort((a, b) => b.selfMs - a.selfMs).slice(0, limit);
}
