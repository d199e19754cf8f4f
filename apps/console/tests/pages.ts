// SPDX-License-Identifier: GPL-2.0-only

interface ShownPage {
  readonly name: string;
  readonly place: string;
  /** That leads there from `place`. */
  readonly link?: string;
  readonly shows: string;
}

/** Each with something that only the fleet's own data says. */
export const pages: readonly ShownPage[] = [
  { name: 'overview', place: '', shows: 'at head 2' },
  { name: 'rollouts', place: 'rollouts', shows: 'dev to 1' },
  { name: 'rollout', place: 'rollouts', link: 'dev to 1', shows: '6 of 6 nodes there' },
  { name: 'nodes', place: 'nodes', shows: 'n6' },
  { name: 'node', place: 'nodes/n1', shows: 'lockstep_meminfo_fix' },
  { name: 'load-order', place: 'load-order?cluster=dev', shows: 'torn: 2 of 3 run' },
  { name: 'conflict', place: 'load-order?cluster=dev&draft=cmdline-fix', shows: '2 conflicts.' },
  { name: 'patches', place: 'patches', shows: 'loadavg-fix' },
  { name: 'patch', place: 'patches/meminfo-fix', shows: 'meminfo_proc_show' },
  { name: 'schedule', place: 'schedule', shows: 'too many guests' },
  { name: 'cves', place: 'cves', shows: 'CVE-2024-26581' },
  { name: 'audit', place: 'audit', shows: 'Fleet/AppendLoad' },
  { name: 'access', place: 'access?show=sessions', shows: 'session-' },
  { name: 'campaigns', place: 'campaigns', shows: 'There is no campaign yet.' },
  { name: 'system', place: 'system', shows: 'build worker connected' },
];
