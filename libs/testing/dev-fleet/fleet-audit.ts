// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { entryFromWire } from '@lockstep/contracts/wire';
import { extendLog, headHash, stackAt, type LogEntry } from '@lockstep/domain/load-order';
import { parseSeq, type ModuleName } from '@lockstep/domain/livepatch-model';
import { createLogSigner, logChecksOf } from '@lockstep/io/certificates';
import type { DevFleet } from './dev-fleet';

/** The load order as the control plane tells it, every hash, link, signature and rule of it checked. */
export async function auditedLog({ operator, cluster, kernelBuild, server }: DevFleet): Promise<readonly LogEntry[]> {
  const { entries } = await operator.fleet.getOrder({ cluster, kernelBuildId: kernelBuild });
  const { publicKeyPem } = createLogSigner(readFileSync(path.join(server.stateDir, 'pki/log-signing.key'), 'utf8'));
  const checks = logChecksOf(publicKeyPem);
  const extension = extendLog({ cluster, kernelBuild }, [], entries.map(entryFromWire), checks);
  if (extension.kind === 'refused') throw new Error(`the log's chain is broken: ${JSON.stringify(extension.refusal)}`);
  return extension.entries;
}

/** Patches that two kernels both hold, but not in the same order. */
export function orderDivergence(stacks: ReadonlyMap<string, readonly ModuleName[]>): string[] {
  const nodes = [...stacks];
  return nodes.flatMap(([name, stack], index) =>
    nodes.slice(index + 1).flatMap(([otherName, other]) => {
      const shared = stack.filter((module) => other.includes(module)).join('<');
      const theirs = other.filter((module) => stack.includes(module)).join('<');
      return shared === theirs ? [] : [`${name} has ${shared}, ${otherName} has ${theirs}`];
    }),
  );
}

/** What each kernel really holds against the log: nothing to say when every node holds exactly the head's stack. */
export async function kernelFaults(fleet: DevFleet, entries: readonly LogEntry[]): Promise<string[]> {
  const expected = stackAt(entries, parseSeq(entries.length)).map((entry) => entry.body.artifact.moduleName);
  const stacks = new Map<string, readonly ModuleName[]>();
  for (const node of fleet.nodes) stacks.set(node.name, await node.holds());
  const wrong = [...stacks].flatMap(([name, stack]) =>
    stack.join('<') === expected.join('<') ? [] : [`${name} holds [${stack.join('<')}], not [${expected.join('<')}]`],
  );
  return [...wrong, ...orderDivergence(stacks)];
}

/** Nodes whose own verified log is not this one, or that are not at its head. */
export async function journalFaults({ operator }: DevFleet, entries: readonly LogEntry[]): Promise<string[]> {
  const head = { seq: entries.length, hash: headHash(entries) };
  const { nodes } = await operator.fleet.listNodes({ cluster: '', selector: '', withoutCve: '' });
  return nodes.flatMap(({ name, report }) => {
    const isSame = report?.headSeq === head.seq && report.headHash === head.hash && report.position === head.seq;
    return isSame
      ? []
      : [`${name} knows ${report?.headSeq ?? 0}, is at ${report?.position ?? 0}; the head is ${head.seq}`];
  });
}
