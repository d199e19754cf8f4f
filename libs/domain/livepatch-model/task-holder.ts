// SPDX-License-Identifier: GPL-2.0-only

/** What holds a task in the way of a transition, where that is not just the function that it is in. */
export const taskHolders = ['frozen', 'bpf-program', 'hidden-sleep'] as const;

export type TaskHolder = (typeof taskHolders)[number];

/** What it is and what to do, as a sentence about tasks. */
export function describeTaskHolder(holder: TaskHolder): string {
  switch (holder) {
    case 'frozen':
      return 'A frozen task does not run, whoever signals it, until its control group is thawed (freezer.state, cgroup.freeze).';
    case 'bpf-program':
      return (
        'A task below a BPF program (fexit, fmod_ret) has a stack that the kernel cannot rely on, wherever it sleeps: ' +
        'detach the program for the time of the load (bpftool link shows it). Who slept below it by then stays there until ' +
        'it is woken: restart it, or let the load interrupt sleepers (--may-interrupt).'
      );
    case 'hidden-sleep':
      return (
        "A task that sleeps in the scheduler's code is not shown there by /proc/PID/stack: it leaves when it is woken, " +
        'or when the load may interrupt sleepers (--may-interrupt).'
      );
  }
}
