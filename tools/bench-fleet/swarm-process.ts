// SPDX-License-Identifier: GPL-2.0-only
// The agents, in a process of their own: what they use is not the control plane's.
import { setPriority } from 'node:os';
import { createCertificateRequest } from '@lockstep/io/certificates';
import { enrol } from '@lockstep/io/rpc-client';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchAgent, type BenchIdentity } from './bench-agent';
import type { SwarmOrder, SwarmStart, SwarmState } from './swarm-messages';

/** The agents have machines of their own: here they are not to take from the control plane what it would have there. */
const politeness = 10;
/** As many enrol at once: a provisioning tool's pace. */
const enrolAtOnce = 2;
/** The state is told this long after a change, so that a thousand changes are one message. */
const tellAfterMs = 50;
const enrolWithinMs = 60_000;

const atLeast = (numbers: readonly number[]): number[] =>
  Array.from({ length: Math.max(0, ...numbers) }, (_, index) => numbers.filter((number) => number > index).length);

/** Each has an address of its own, as machines have. */
const addressOf = (place: number): string => `127.${10 + (process.pid % 200)}.${place >> 8}.${place & 255}`;

class Swarm {
  private readonly identities: BenchIdentity[] = [];
  private readonly agents: BenchAgent[] = [];
  private readonly endings = new Map<string, number>();
  private telling: NodeJS.Timeout | undefined;
  private failure: string | undefined;

  constructor(private readonly start: SwarmStart) {}

  /** One key serves all: each node has its own certificate. */
  async enrol(joinTokens: readonly string[]): Promise<void> {
    const { privateKeyPem, requestPem } = await createCertificateRequest();
    const { operatorAddress, agentHost: host, agentPort: port, ca } = this.start;
    const left = [...joinTokens];
    const enrolOne = async (): Promise<void> => {
      for (let joinToken = left.pop(); joinToken !== undefined; joinToken = left.pop()) {
        const asked = {
          address: operatorAddress,
          joinToken,
          certificateRequest: requestPem,
          deadlineMs: enrolWithinMs,
        };
        const { certificate } = await enrol(asked);
        this.identities.push({ host, port, ca, certificate, key: privateKeyPem });
        this.tellSoon();
      }
    };
    await Promise.all(Array.from({ length: enrolAtOnce }, enrolOne));
  }

  take(identities: readonly Pick<BenchIdentity, 'certificate' | 'key'>[]): void {
    const { agentHost: host, agentPort: port, ca } = this.start;
    for (const { certificate, key } of identities) this.identities.push({ host, port, ca, certificate, key });
    this.tellSoon();
  }

  async connect(): Promise<void> {
    const { heartbeatMs, switchMs, connectPerSecond } = this.start;
    const onChange = (): void => {
      this.tellSoon();
    };
    const onEnd = (reason: string): void => {
      this.endings.set(reason, (this.endings.get(reason) ?? 0) + 1);
    };
    for (const [place, identity] of this.identities.entries()) {
      const from = addressOf(place);
      const agent = new BenchAgent({ identity, from, heartbeatMs, switchMs, onChange, onEnd });
      this.agents.push(agent);
      agent.run().catch(this.fail);
      await sleep(1000 / connectPerSecond);
    }
  }

  distrust(places: readonly number[], ca: string): void {
    for (const place of places) this.agents[place]?.trustOnly(ca);
  }

  readonly fail = (error: unknown): void => {
    this.failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.tellSoon();
  };

  private tellSoon(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      process.send?.(this.state());
    }, tellAfterMs);
  }

  private state(): SwarmState {
    return {
      enrolled: this.identities.length,
      connected: this.agents.filter(({ isConnected }) => isConnected).length,
      knowing: atLeast(this.agents.map(({ headSeq }) => headSeq)),
      arrived: atLeast(this.agents.map(({ position }) => position)),
      lost: this.agents.reduce((sum, { lost }) => sum + lost, 0),
      begun: this.agents.reduce((sum, { begun }) => sum + begun, 0),
      endings: Object.fromEntries(this.endings),
      failure: this.failure,
    };
  }
}

setPriority(politeness);

let swarm: Swarm | undefined;

process.on('message', (order: SwarmOrder) => {
  if (order.kind === 'start') swarm = new Swarm(order);
  else if (order.kind === 'enrol') swarm?.enrol(order.joinTokens).catch(swarm.fail);
  else if (order.kind === 'distrust') swarm?.distrust(order.places, order.ca);
  else if (order.kind === 'take') swarm?.take(order.identities);
  else swarm?.connect().catch(swarm.fail);
});
// Whoever measures has gone.
process.on('disconnect', () => process.exit(0));
