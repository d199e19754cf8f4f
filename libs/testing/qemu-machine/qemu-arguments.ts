// SPDX-License-Identifier: GPL-2.0-only

export type Accelerator = 'kvm' | 'tcg';

/**
 * One thread for all of a machine's processors: QEMU 7.2 may run a stale translation for ever when one processor
 * changes code (int3, then a call or a no-op) that another one translates at that moment, as happens at the entry of a
 * busy function whenever a livepatch comes or goes.
 */
const accelerators: Readonly<Record<Accelerator, string>> = { kvm: 'kvm', tcg: 'tcg,thread=single' };

/**
 * A kernel measures against other clocks how fast its TSC is, once, while it boots. If an emulated processor stood still
 * for a moment just then, time runs several times too fast for the rest of the machine's life: what shall take seconds
 * times out at once. An HPET says itself how fast it is, and takes a microsecond longer to be read.
 */
const clockArguments: Readonly<Record<Accelerator, readonly string[]>> = { kvm: [], tcg: ['clocksource=hpet'] };

/** Where the guest finds the ports of the host that it was given; it reaches nothing else. */
export const hostAddressInGuest = '10.0.2.100';

/**
 * Where a guest's programs come from: this host's own tree, for a kernel that has 9p built in; or a RAM disk made for it, and
 * then what else it is given lies on a disk.
 */
export type GuestRoot =
  | { readonly kind: 'host-tree'; readonly initFile: string; readonly shareDir: string }
  | { readonly kind: 'ram-disk'; readonly file: string; readonly shareDisk: string };

export interface QemuArguments {
  name: string;
  kernelImage: string;
  root: GuestRoot;
  accelerator: Accelerator;
  memoryMb: number;
  processors: number;
  stateDisk: string;
  consoleLog: string;
  shellSocket: string;
  controlSocket: string;
  relayFile: string;
  /** Ports of 127.0.0.1 that the guest reaches at `hostAddressInGuest`, same number. */
  hostPorts: readonly number[];
  /** The guest's clocks count what it executes, an instruction a nanosecond: whatever else the host does. Emulation only. */
  countInstructions: boolean;
  kernelArguments: readonly string[];
}

/** The whole machine on one command line; nothing is installed anywhere. */
export function qemuArguments(machine: QemuArguments): string[] {
  return [
    '-nodefaults',
    '-no-user-config',
    ...['-display', 'none'],
    ...['-name', machine.name],
    ...['-accel', accelerators[machine.accelerator], '-cpu', 'max'],
    ...['-m', String(machine.memoryMb)],
    ...(machine.countInstructions ? ['-icount', 'shift=0,sleep=off'] : []),
    // The MP table, by which the debug kernel goes, names one processor of each socket.
    ...['-smp', `${machine.processors},sockets=${machine.processors}`],
    // TLS in the guest needs the right time.
    ...['-rtc', 'base=utc,clock=host'],
    ...['-kernel', machine.kernelImage, '-append', kernelCommandLine(machine)],
    ...['-drive', `if=none,id=state,format=raw,file=${escape(machine.stateDisk)}`],
    ...['-device', 'virtio-blk-pci,drive=state'],
    // After the state disk, which is the first one in every guest.
    ...rootArguments(machine.root),
    ...['-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=shell,path=${escape(machine.shellSocket)}`],
    ...['-device', 'virtserialport,chardev=shell,name=org.lockstep.shell'],
    ...['-device', 'virtio-rng-pci'],
    ...['-netdev', `user,id=net,restrict=on${machine.hostPorts.map((port) => forward(machine, port)).join('')}`],
    ...['-device', 'virtio-net-pci,netdev=net'],
    ...['-chardev', `file,id=console,append=on,path=${escape(machine.consoleLog)}`, '-serial', 'chardev:console'],
    ...['-qmp', `unix:${escape(machine.controlSocket)},server=on,wait=off`],
  ];
}

function rootArguments(root: GuestRoot): string[] {
  switch (root.kind) {
    case 'host-tree':
      return ['-virtfs', share('/', 'root'), '-virtfs', share(root.shareDir, 'machine')];
    case 'ram-disk': {
      const drive = `if=none,id=share,format=raw,readonly=on,file=${escape(root.shareDisk)}`;
      return ['-initrd', root.file, '-drive', drive, '-device', 'virtio-blk-pci,drive=share'];
    }
  }
}

function rootOfKernel({ root, name }: QemuArguments): string[] {
  switch (root.kind) {
    case 'host-tree':
      return [
        // The cache may keep what it read: nothing below / changes for a machine while it runs.
        'root=root rootfstype=9p rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose ro',
        `init="${root.initFile}"`,
        `ip=10.0.2.15::10.0.2.2:255.255.255.0:${name}:eth0:off`,
      ];
    case 'ram-disk':
      // Its own init sets the address: a distribution's kernel does not. It tries each cipher once when it comes, half a second in all
      // of an emulated boot.
      return [`rdinit=/init hostname=${name} cryptomgr.notests`];
  }
}

function kernelCommandLine(machine: QemuArguments): string {
  return [
    'console=ttyS0 quiet loglevel=4 panic=-1',
    ...rootOfKernel(machine),
    ...clockArguments[machine.accelerator],
    // Under emulation the watchdog takes a busy host for a broken TSC, and changes the clock while the machine runs.
    'tsc=reliable',
    // On a busy host the kernel would not see its timer tick in time, and give up on it.
    'no_timer_check',
    ...machine.kernelArguments,
  ].join(' ');
}

function share(dir: string, tag: string): string {
  return `local,path=${escape(dir)},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`;
}

/** QEMU splits the command as a shell would. */
function forward(machine: QemuArguments, port: number): string {
  const command = [process.execPath, machine.relayFile, String(port)].map((word) => `'${word}'`).join(' ');
  return `,guestfwd=tcp:${hostAddressInGuest}:${port}-cmd:${escape(command)}`;
}

/** QEMU's options end at a comma; a doubled one is a comma. */
function escape(text: string): string {
  return text.replaceAll(',', ',,');
}
