// SPDX-License-Identifier: GPL-2.0-only
import { Presets, SingleBar } from 'cli-progress';

/** How often a pipe is told of progress: a log wants lines, not frames. */
const pipeIntervalMs = 15_000;

/** Numbered steps on a terminal or in a log; a bar while one takes long, plain lines where no terminal is. */
export class ProgressLine {
  private bar: SingleBar | undefined;
  private step = 0;
  private toldAtMs = 0;
  private toldStage = '';

  constructor(
    private readonly steps: number,
    private readonly output: NodeJS.WriteStream = process.stdout,
  ) {}

  /** Runs one step and says how long it took, and `result`'s words if it has any. */
  async run<T>(title: string, work: () => Promise<T>, describe?: (result: T) => string): Promise<T> {
    this.step += 1;
    const label = `[${this.step}/${this.steps}] ${title}`;
    this.say(label);
    const started = performance.now();
    try {
      const result = await work();
      this.stopBar();
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const words = describe?.(result);
      this.say(`      ${words ?? 'done'} (${seconds} s)`);
      return result;
    } finally {
      this.stopBar();
    }
  }

  update(stage: string, done: number, total: number): void {
    if (this.output.isTTY) {
      this.bar ??= this.startBar();
      this.bar.setTotal(total);
      this.bar.update(done, { stage });
    } else if (stage !== this.toldStage || performance.now() - this.toldAtMs > pipeIntervalMs) {
      this.toldAtMs = performance.now();
      this.toldStage = stage;
      this.say(`      ${stage}: ${done}/${total}`);
    }
  }

  private say(text: string): void {
    this.output.write(`${text}\n`);
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
