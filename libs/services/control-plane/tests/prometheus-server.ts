// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fleetProcess, type FleetProcess } from '@lockstep/testing/dev-fleet';
import { freePort } from '@lockstep/testing/local-servers';

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'inactive' | 'pending' | 'firing';
}

interface Answer<T> {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data: T;
}

/** Times as they are in the files would make a test of hours: everything is looked at each second, and what lasts, or is looked back at, is seconds. */
const hurried = (rules: string): string => rules.replace(/^( +for: ).*$/gm, '$11s').replace(/\[\d+m\]/g, '[15s]');

/** Debian's Prometheus with the alert rules of this repository, on targets that may come and go. */
export class PrometheusServer {
  private constructor(
    private readonly process: FleetProcess,
    private readonly address: string,
    private readonly targetsFile: string,
  ) {}

  static async start(folder: string, rulesFile: string): Promise<PrometheusServer> {
    const address = `127.0.0.1:${await freePort()}`;
    const targetsFile = path.join(folder, 'targets.json');
    await writeFile(path.join(folder, 'rules.yml'), hurried(await readFile(rulesFile, 'utf8')));
    await writeFile(targetsFile, '[]');
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      scrape_configs: [
        { job_name: 'lockstep', file_sd_configs: [{ files: ['targets.json'], refresh_interval: '1s' }] },
      ],
    };
    // JSON is YAML.
    await writeFile(path.join(folder, 'prometheus.yml'), JSON.stringify(config));
    const process = fleetProcess({
      ...{ name: 'prometheus', command: 'prometheus', env: {}, logFile: path.join(folder, 'prometheus.log') },
      args: [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ],
    });
    process.start();
    return new PrometheusServer(process, address, targetsFile);
  }

  get url(): string {
    return `http://${this.address}`;
  }

  async scrape(...addresses: readonly string[]): Promise<void> {
    await writeFile(this.targetsFile, JSON.stringify([{ targets: addresses }]));
  }

  /** Those that fire now. */
  async firing(): Promise<readonly Alert['labels'][]> {
    const { alerts } = await this.ask<{ alerts: Alert[] }>('/api/v1/alerts');
    return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels);
  }

  /** The values that a query has now. @throws Error with Prometheus's words when it is none. */
  async query(expr: string): Promise<readonly string[]> {
    const { result } = await this.ask<{ result: { value: [number, string] }[] }>(
      `/api/v1/query?query=${encodeURIComponent(expr)}`,
    );
    return result.map(({ value }) => value[1]);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  private async ask<T>(url: string): Promise<T> {
    this.process.assertRunning();
    const answer = (await (await fetch(`http://${this.address}${url}`)).json()) as Answer<T>;
    if (answer.status === 'error') throw new Error(answer.error);
    return answer.data;
  }
}
