// SPDX-License-Identifier: GPL-2.0-only
import type { Logger } from 'pino';

interface Step {
  readonly name: string;
  readonly close: () => Promise<void>;
  readonly onceComplete: boolean;
}

/** Closes what was opened, last first, each whatever the others do. Also after a start that failed half-way. */
export class Teardown {
  private readonly steps: Step[] = [];
  private complete = false;

  constructor(private readonly log: Logger) {}

  add(name: string, close: () => Promise<void>): void {
    this.steps.push({ name, close, onceComplete: false });
  }

  /** Only for a control plane that did come up: until then it is not certain that this is ours to close. */
  addOnceComplete(name: string, close: () => Promise<void>): void {
    this.steps.push({ name, close, onceComplete: true });
  }

  markComplete(): void {
    this.complete = true;
  }

  async run(): Promise<void> {
    for (const { name, close, onceComplete } of this.steps.splice(0).reverse()) {
      if (onceComplete && !this.complete) continue;
      await close().catch((err: unknown) => {
        this.log.warn({ err, name }, 'did not close cleanly');
      });
    }
  }
}
