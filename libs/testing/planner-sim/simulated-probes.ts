// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName, Seq } from '@lockstep/domain/livepatch-model';
import { showProbe, type ProbeResult, type ProbeVerdict } from '@lockstep/domain/probes';
import { nodesToProbe, type RolloutPlan, type RolloutPolicy } from '@lockstep/domain/rollout-planner';
import type { SeededRandom } from '@lockstep/testing/seeded-random';

const verdicts: readonly ProbeVerdict[] = [...Array<'pass'>(9).fill('pass'), 'fail', 'error'];

/** What nodes say of their probes: those that are ordered to run them, from where they stand, and some never. */
export class SimulatedProbes {
  private asked: ReadonlySet<NodeName> = new Set();
  private readonly said = new Map<NodeName, readonly ProbeResult[]>();
  private readonly texts: readonly string[];

  constructor(
    private readonly policy: RolloutPolicy,
    private readonly random: SeededRandom,
  ) {
    this.texts = policy.probing.probes.map(showProbe);
  }

  of(node: NodeName): readonly ProbeResult[] {
    return this.said.get(node) ?? [];
  }

  take(plan: RolloutPlan): void {
    this.asked = new Set(nodesToProbe(plan, this.policy));
    for (const node of this.said.keys()) if (!this.asked.has(node)) this.said.delete(node);
  }

  /** Each that is asked measures, or not yet. @param isWell nothing is amiss with any of them */
  measure(nodes: readonly { readonly node: NodeName; readonly position: Seq }[], isWell = false): void {
    if (this.texts.length === 0) return;
    for (const { node, position } of nodes) {
      const isMute = node.endsWith('7') && !isWell;
      if (!this.asked.has(node) || isMute || (!isWell && this.random.chance(0.3))) continue;
      const before = this.of(node);
      const results = this.texts.map((probe): ProbeResult => {
        const was = before.find((each) => each.probe === probe);
        const isKept = was?.position === position && this.random.chance(0.7);
        const verdict = isWell ? 'pass' : isKept ? was.verdict : this.random.pick(verdicts);
        const isSame = was?.verdict === verdict && was.position === position;
        return { probe, verdict, message: 'x', position, inARow: isSame ? Math.min(3, was.inARow + 1) : 1 };
      });
      this.said.set(node, results);
    }
  }
}
