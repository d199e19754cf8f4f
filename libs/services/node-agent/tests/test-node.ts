// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NodeStatus } from '@lockstep/contracts/generated';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import { NodeAgent, type NodeAgentOptions } from '../node-agent';
import { sayShutdown } from '../say-shutdown';
import { TestControlPlane } from '../test-control-plane';

/** A machine of a test: a kernel in a folder, agents on it one after the other, and the control plane that they follow. */
export class TestNode {
  readonly agents: NodeAgent[] = [];
  /** What they logged. */
  readonly logLines: string[] = [];

  private constructor(
    readonly plane: TestControlPlane,
    readonly folder: string,
    readonly kernel: DirectoryKernel,
  ) {}

  static async create(): Promise<TestNode> {
    const plane = await TestControlPlane.create();
    await plane.start();
    const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-agent-'));
    const { kernelBuild } = plane.log;
    const kernel = await DirectoryKernel.create(path.join(folder, 'kernel'), { kernelBuild, release: '6.1.0-test' });
    return new TestNode(plane, folder, kernel);
  }

  async remove(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()));
    this.plane.remove();
    rmSync(this.folder, { recursive: true });
  }

  get stateDir(): string {
    return path.join(this.folder, 'state');
  }

  makeAgent(options: Partial<NodeAgentOptions> = {}): NodeAgent {
    const agent = new NodeAgent({
      stateDir: this.stateDir,
      kernel: this.kernel,
      enrolment: { server: this.plane.address, joinToken: this.plane.joinToken() },
      agentVersion: '1.2.3',
      log: (level, message, fields) => this.logLines.push(`${level} ${message} ${JSON.stringify(fields)}`),
      lookEveryMs: 30,
      heartbeatMs: 100,
      // Longer than any test: what is fetched is what was asked for.
      pickFetchMoment: () => 3_600_000,
      onFatal: (error) => this.logLines.push(`fatal ${String(error)}`),
      ...options,
    });
    this.agents.push(agent);
    return agent;
  }

  async startAgent(options: Partial<NodeAgentOptions> = {}): Promise<NodeAgent> {
    const agent = this.makeAgent(options);
    await agent.start();
    return agent;
  }

  /** The machine is shut down in order, as its init says, and starts again. */
  async reboot(): Promise<void> {
    const { stateDir, kernel } = this;
    await sayShutdown({ stateDir, kernel });
    await kernel.reboot();
  }

  /** Looks until it holds. @throws Error after 60 s, with the log. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`not within 60 s: ${what}\n${this.logLines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** The modules that the kernel holds, from the bottom, as in `a<b`. */
  async held(): Promise<string> {
    return (await this.kernel.observe()).map((patch) => patch.module).join('<');
  }

  untilReported(status: NodeStatus, position: number): Promise<void> {
    return this.until(`a report of ${NodeStatus[status]} at ${position}`, () => {
      const { lastReport } = this.plane;
      return lastReport?.status === status && lastReport.position === position;
    });
  }

  inStep(position: number): Promise<void> {
    return this.untilReported(NodeStatus.NODE_STATUS_IN_STEP, position);
  }

  /** In step at the head of a log of A and B, as in the mission. */
  async inStepWithAB(): Promise<NodeAgent> {
    this.plane.append('a', 'abc');
    this.plane.append('b', 'ad', [1]);
    const agent = await this.startAgent();
    await this.inStep(0);
    this.plane.moveTo(2);
    await this.inStep(2);
    return agent;
  }
}
