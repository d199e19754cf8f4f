// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { compilePatch, type ObjectPair } from '@lockstep/io/kernel-builder';
import { makeKernel } from '../made-kernel';

/** What must not be seen by anything that a diff makes run: it stands for a key of the worker. */
export const secret = 'marker-5b1c7e-of-the-host';

const files: Readonly<Record<string, string>> = {
  'fs/a.c': '#include "a.h"\nint answer(int x)\n{\n\treturn x + ADDED;\n}\n',
  'fs/a.h': '#define ADDED 1\n',
  'fs/b.c': '#include "a.h"\nint other(int x)\n{\n\treturn x - ADDED;\n}\n',
  'fs/Makefile': 'obj-y := a.o b.o\n',
  Makefile: 'KCONFIG_CONFIG ?= .config\nolddefconfig:\n\t@:\ndescend:\n\t@sh scripts/build.sh\ninclude fs/Makefile\n',
  'scripts/build.sh': 'set -e\nfor name in a b; do gcc -O2 -pg -mfentry -fno-pie -c -o fs/$name.o fs/$name.c; done\n',
  'fs/Kconfig': '# nothing\n',
  '.config': 'CONFIG_SMP=y\nCONFIG_MODULE_SIG_KEY="certs/signing_key.pem"\n',
  // As kbuild leaves it where it has built a kernel that checks modules.
  'certs/signing_key.pem': `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
  'include/config/kernel.release': '6.1.0\n',
};

/** Where things lie that a diff would like to reach, by absolute paths. */
export interface Places {
  /** A file with the secret, of the worker's own user. */
  readonly secretFile: string;
  /** A folder that a diff must not write to. */
  readonly outside: string;
  readonly tree: string;
  readonly port: number;
}

/** What became of a diff. */
export interface Outcome {
  /** `built`, or the reason that it was refused for; a limit's name behind it. */
  readonly result: string;
  /** All that whoever submitted it is told, and all that was built. */
  readonly seen: string;
}

/** A small kernel that can be built by replay and through make, and a host around it with something to lose. */
export class HostileKernel implements Disposable {
  private readonly made = makeKernel(files);
  private readonly host = mkdtempSync(path.join(tmpdir(), 'lockstep-host-'));
  private readonly server = createServer((socket) => {
    this.calls += 1;
    socket.destroy();
  });
  private calls = 0;
  private readonly before: string;
  places!: Places;

  constructor() {
    const { kernel } = this.made;
    Object.assign(kernel, { tools: { compiler: 'gcc', makeArguments: [] }, release: '6.1.0' });
    const member = (name: string): string => `${name.padEnd(48)}0         \`\n`;
    const names = '//                                              10        `\na.o/\nb.o/\n';
    writeFileSync(path.join(kernel.treeDir, 'fs/built-in.a'), `!<thin>\n${names}${member('/0')}${member('/5')}`);
    writeFileSync(path.join(this.host, 'secret'), `${secret}\n`);
    this.before = this.treeNow();
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const { port } = this.server.address() as AddressInfo;
    this.places = {
      secretFile: path.join(this.host, 'secret'),
      outside: this.host,
      tree: this.made.kernel.treeDir,
      port,
    };
    return this;
  }

  /** A diff that puts other text into a file in place of all that it has. */
  replacing(file: string, text: string): string {
    return this.made.diffOf(file, (files[file] ?? '').trimEnd(), text);
  }

  async build(text: string, mayChangeBuild?: boolean): Promise<Outcome> {
    const work = async (pair: ObjectPair): Promise<ObjectPair> => Promise.resolve(pair);
    try {
      const diff = [{ name: '', text, mayChangeBuild }];
      const { results } = await compilePatch({ kernel: this.made.kernel, diff, compilers: 2 }, work);
      return {
        result: 'built',
        seen: results.map(({ patched }) => Buffer.from(patched).toString('latin1')).join('\n'),
      };
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      const { limit } = error.fields;
      const result = typeof limit === 'string' ? `${error.reason}: ${limit}` : error.reason;
      return { result, seen: `${error.message}\n${JSON.stringify(error.fields)}` };
    }
  }

  /** What a diff has reached that it must not; empty if all is well. */
  harm(): string[] {
    const left = readdirSync(this.host).filter((name) => name !== 'secret');
    const kept = path.join(this.made.kernel.dir, 'staged/0/linux');
    const staged = existsSync(kept) ? readdirSync(path.join(kept, 'fs')).sort().join() : 'Kconfig,Makefile,a.c,a.h,b.c';
    return [
      ...left.map((name) => `wrote ${name}`),
      ...(readFileSync(this.places.secretFile, 'utf8') === `${secret}\n` ? [] : ['changed the secret']),
      ...(this.treeNow() === this.before ? [] : ['changed the registered tree']),
      ...(staged === 'Kconfig,Makefile,a.c,a.h,b.c' ? [] : [`left in the staged tree: ${staged}`]),
      ...(this.calls === 0 ? [] : ['used the network']),
    ];
  }

  /** Digest of a harmless patch's object: the same before and after whatever was built between. */
  async harmless(): Promise<string> {
    const { result, seen } = await this.build(this.replacing('fs/a.h', '#define ADDED 2'));
    return `${result} ${createHash('sha256').update(seen).digest('hex')}`;
  }

  private treeNow(): string {
    const { treeDir } = this.made.kernel;
    const entries = readdirSync(treeDir, { recursive: true, withFileTypes: true });
    const found = entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.join(entry.parentPath, entry.name));
    return found
      .sort()
      .map((file) => `${file} ${readFileSync(file, 'latin1')}`)
      .join('\n');
  }

  [Symbol.dispose](): void {
    this.server.close();
    this.made[Symbol.dispose]();
    rmSync(this.host, { recursive: true, force: true });
  }
}
