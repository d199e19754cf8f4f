// SPDX-License-Identifier: GPL-2.0-only

/** Code of the kernel whose effect a command shows. */
export interface Probe {
  readonly source: string;
  /** Functions that run whenever the command does. */
  readonly functions: readonly string[];
  /** Prints the same as long as the code is the same. */
  readonly command: string;
}

const file = (source: string, name: string, ...functions: string[]): Probe => ({
  source,
  functions,
  command: `cat /proc/${name}`,
});

/** The same on 5.15 and 6.1. */
export const probes: readonly Probe[] = [
  file('fs/proc/version.c', 'version', 'version_proc_show'),
  file('fs/proc/cmdline.c', 'cmdline', 'cmdline_proc_show'),
  file('fs/proc/devices.c', 'devices', 'devinfo_show', 'devinfo_start', 'devinfo_next'),
  file('fs/proc/consoles.c', 'consoles', 'show_console_dev'),
  file('fs/filesystems.c', 'filesystems', 'filesystems_proc_show'),
  file('fs/proc_namespace.c', 'mounts', 'show_vfsmnt', 'show_mnt_opts', 'show_sb_opts', 'show_type'),
  file('block/genhd.c', 'partitions', 'show_partition', 'show_partition_start'),
  file('kernel/resource.c', 'iomem', 'r_show', 'r_start', 'r_next'),
  file('drivers/char/misc.c', 'misc', 'misc_seq_show', 'misc_seq_start', 'misc_seq_next'),
  file('net/core/net-procfs.c', 'net/ptype', 'ptype_seq_show', 'ptype_seq_start', 'ptype_seq_next'),
  file('net/core/sock.c', 'net/protocols', 'proto_seq_show', 'proto_seq_printf'),
  file('drivers/tty/tty_ldisc.c', 'tty/ldiscs', 'tty_ldiscs_seq_show'),
];
