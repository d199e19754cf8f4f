// SPDX-License-Identifier: GPL-2.0-only

/** What Debian packages are for, so that nobody has to guess why one is asked for. */
const packages = {
  develop: [],
  // Building kernels and patches.
  kernel: [
    'gcc',
    'libc6-dev',
    'make',
    'flex',
    'bison',
    'bc',
    'perl',
    'libelf-dev',
    'libssl-dev',
    'openssl',
    'xz-utils',
    'bubblewrap',
  ],
  // Booting them: machines, their state disks, module loading inside (perl: by the agent; kmod: by hand).
  machines: ['qemu-system-x86', 'e2fsprogs', 'kmod', 'perl-base', 'util-linux'],
  source: ['linux-source-6.1'],
  // The other compiler that kernels are built with.
  clang: ['clang-14'],
  // The queue's second backend.
  redis: ['redis-server'],
  // Says how exposed the services are that are shipped (systemd-analyze); it need not run.
  units: ['systemd'],
  // Looks at the web console; fonts, so that its pictures are the same everywhere.
  console: ['chromium', 'fonts-inter', 'fonts-jetbrains-mono'],
  // Scrapes and alerts in a test of the rules that are shipped; openssl makes a CA that ends soon.
  monitoring: ['prometheus', 'openssl'],
};

const needs = {
  develop: ['develop'],
  demo: ['kernel', 'machines', ...(process.env.LOCKSTEP_KERNEL_SRC ? [] : ['source'])],
  // A kernel that its distribution built comes with its own source.
  stock: ['kernel', 'machines'],
  test: ['kernel', 'machines', 'source', 'clang', 'redis', 'units'],
  console: ['kernel', 'machines', ...(process.env.LOCKSTEP_KERNEL_SRC ? [] : ['source']), 'console'],
  monitoring: ['monitoring'],
};

export const needsOf = Object.keys(needs);

export function systemPackages(need) {
  return needs[need].flatMap((group) => packages[group]);
}
