// SPDX-License-Identifier: GPL-2.0-only
import { chmod, rename, unlink, writeFile } from 'node:fs/promises';
import type { Log } from './logger';
import { metricsText, type AgentFacts } from './metrics-text';

export interface MetricsFileOptions {
  /** Ends in .prom, in the folder of node_exporter's textfile collector. */
  readonly file: string;
  readonly facts: () => AgentFacts;
  /** node_exporter tells how old it is. */
  readonly everyMs: number;
  readonly log: Log;
}

/**
 * The node's numbers as a file: a port would be one more way into a process that is root on every host, and node_exporter is
 * there already. Whole or not at all; removed at the end, so that nobody reads of an agent that is gone.
 */
export class MetricsFile {
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private lastFailure: string | undefined;

  constructor(private readonly options: MetricsFileOptions) {}

  start(): void {
    const write = (): void => {
      this.writing = this.writing.then(() => this.write());
    };
    write();
    this.timer = setInterval(write, this.options.everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
    await unlink(this.options.file).catch(() => undefined);
  }

  /** Never throws: a folder that is missing must not end an agent. Said once. */
  private async write(): Promise<void> {
    const { file, facts, log } = this.options;
    const temporary = `${file}.${process.pid}`;
    try {
      await writeFile(temporary, metricsText(facts()));
      // node_exporter is another user, and the agent's umask is its own.
      await chmod(temporary, 0o644);
      await rename(temporary, file);
      this.lastFailure = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.lastFailure) log('warn', 'cannot write the metrics file', { file, error: message });
      this.lastFailure = message;
    }
  }
}
