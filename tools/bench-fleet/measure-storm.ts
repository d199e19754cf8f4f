// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RolloutRules, type Rollout, type Share } from '@lockstep/contracts/generated';
import { openCertificateAuthority } from '@lockstep/io/certificates';
import type { PhaseFigures } from './fleet-phase';
import { kernelBuild } from './bench-agent';
import { cluster, nodeName, type MeasuredFleet } from './measured-fleet';
import { withFleet, type FleetOptions } from './running-fleet';

/** The control plane killed and started while some of its agents can never come back. */
export interface StormFigures {
  readonly agents: number;
  /** Their certificates were revoked. */
  readonly revoked: number;
  /** By their clocks the control plane's certificate is no good. */
  readonly wrongClocks: number;
  /** Until all others are back, and what that cost. */
  readonly reconnect: PhaseFigures;
  readonly rssBytes: number;
  /** Of the others, those that the rollout ever took for lost. */
  readonly countedLost: number;
  /** Waves that were opened meanwhile. */
  readonly wavesOpened: number;
}

const longDeadline = { deadlineMs: 120_000 };
/** Longer than the rollout may go on to its next wave in. */
const bakeSeconds = 3_600;
const patienceMs = 600_000;
/** As long as it takes a control plane to count anybody as lost. */
const afterwardsMs = 95_000;

const openWave = ({ waves }: Rollout): number => waves.filter(({ passedAt }) => passedAt !== undefined).length;

const nodes = (value: number): Share => ({ of: { $case: 'nodes', value } });

/** In waves of a tenth, and it stays in the first: all of that bake. */
async function beginRollout({ parts: { operator, agents } }: MeasuredFleet): Promise<string> {
  const rules = RolloutRules.fromPartial({
    ...{ waves: [nodes(Math.ceil(agents / 10))], allowedFailures: nodes(agents) },
    ...{ goesOnAfterCrash: true, deadlineSeconds: 3_600, bakeSeconds },
  });
  const to = { cluster, kernelBuildId: kernelBuild, toSeq: 1, canaries: 1, waveSize: 0, rules, planHash: '' };
  const { rollout } = await operator.fleet.startRollout(to, longDeadline);
  return rollout?.id ?? '';
}

class Storm {
  countedLost = new Set<string>();
  wavesOpened = 0;

  constructor(
    private readonly fleet: MeasuredFleet,
    private readonly rolloutId: string,
    /** Names of those that can come back. */
    private readonly others: ReadonlySet<string>,
  ) {}

  private async rollout(): Promise<Rollout> {
    const { rollout } = await this.fleet.parts.operator.fleet.getRollout({ id: this.rolloutId }, longDeadline);
    if (rollout === undefined) throw new Error('The rollout is gone.');
    return rollout;
  }

  async openWave(): Promise<number> {
    return openWave(await this.rollout());
  }

  async look(waveBefore: number): Promise<void> {
    const rollout = await this.rollout();
    this.wavesOpened = Math.max(this.wavesOpened, openWave(rollout) - waveBefore);
    for (const { node, notYet } of rollout.nodes) {
      if (this.others.has(node) && notYet?.reason === 'lost') this.countedLost.add(node);
    }
  }

  async untilOthersAreBack(waveBefore: number): Promise<void> {
    const untilMs = performance.now() + patienceMs;
    while ((await this.fleet.listNodes()).connected < this.others.size) {
      if (performance.now() > untilMs) throw new Error('The others did not come back.');
      await this.look(waveBefore);
      await sleep(1_000);
    }
  }
}

/** Of each ten agents one and a half is revoked, and as many have a wrong clock. */
export const measureStorm = (options: FleetOptions): Promise<StormFigures> =>
  withFleet(options, async (fleet) => {
    const { agents, say } = options;
    const { plane, swarm, operator, meter } = fleet.parts;
    const revoked = Math.floor(agents * 0.15);
    const wrongClocks = Math.floor(agents * 0.15);
    await fleet.addEnrolled(0);
    await meter.during('connected', () => fleet.connect());
    await fleet.append('bench-1', 1);
    const others = new Set(Array.from({ length: agents - revoked - wrongClocks }, (_, index) => nodeName(index)));
    const storm = new Storm(fleet, await beginRollout(fleet), others);
    await sleep(5_000);
    const waveBefore = await storm.openWave();
    const dir = path.join(options.dir, 'other-pki');
    const other = await openCertificateAuthority({ dir, names: ['127.0.0.1'], mayMakeKeys: true });
    const places = Array.from({ length: wrongClocks }, (_, index) => agents - wrongClocks + index);
    swarm.tell({ kind: 'distrust', places, ca: other.trustedPem });
    await meter.during('revoked', async () => {
      for (let index = others.size; index < others.size + revoked; index += 1) {
        await operator.fleet.revokeNode({ name: nodeName(index) }, longDeadline);
      }
    });
    const restart = async (begin: () => Promise<void>): Promise<void> => {
      await fleet.kill();
      await plane.launch();
      await begin();
      await storm.untilOthersAreBack(waveBefore);
    };
    const reconnect = await meter.during('killed and started, until the others are back', restart, {
      beginsItself: true,
    });
    await meter.during('afterwards', async () => {
      const untilMs = performance.now() + afterwardsMs;
      while (performance.now() < untilMs) {
        await storm.look(waveBefore);
        await sleep(2_000);
      }
    });
    say(`ended: ${JSON.stringify(swarm.state.endings)}`);
    const { countedLost, wavesOpened } = storm;
    const rssBytes = plane.peakResidentBytes();
    return { agents, revoked, wrongClocks, reconnect, rssBytes, countedLost: countedLost.size, wavesOpened };
  });
