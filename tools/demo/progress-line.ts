// SPDX-License-Identifier: GPL-2.0-only
import { Presets, SingleBar } from 'cli-progress';

/** How often a pipe is told of progress: a log wants lines, not frames. */
const pipeIntervalMs = 15_000;

/** Numbered steps on standard output; a bar while one takes long, plain lines where no terminal is. */
export class ProgressLine {
  private bar: SingleBar | undefined;
  private step = 0;
  private toldAtMs = 0;

  constructor(private readonly steps: number) {}

  /** Runs one step and says how long it took, and `result`'s words if it has any. */
  async run<T>(title: string, work: () => Promise<T>, describe?: (result: T) => string): Promise<T> {
    this.step += 1;
    const label = `[${this.step}/${this.steps}] ${title}`;
    console.log(label);
    const started = performance.now();
    try {
      const result = await work();
      this.stopBar();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const words = describe?.(result);
      console.log(`      ${words === undefined ? 'done' : words} (${seconds} s)`);
      return result;
    } finally {
      this.stopBar();
    }
  }

  update(stage: string, done: number, total: number): void {
    if (process.stdout.isTTY) {
      this.bar ??= this.startBar();
      this.bar.setTotal(total);
      this.bar.update(done, { stage });
    } else if (performance.now() - this.toldAtMs > pipeIntervalMs) {
      this.toldAtMs = performance.now();
      console.log(`      ${stage}: ${done}/${total}`);
    }
  }

  private startBar(): SingleBar {
    const bar = new SingleBar(
      { format: '      {bar} {value}/{total} {stage}', hideCursor: true },
      Presets.shades_classic,
    );
    bar.start(1, 0, { stage: '' });
    return bar;
  }

  private stopBar(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
