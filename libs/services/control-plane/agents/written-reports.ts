// SPDX-License-Identifier: GPL-2.0-only
import { NodeReport } from '@lockstep/contracts/generated';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';

const isSame = (a: NodeReport, b: NodeReport): boolean =>
  Buffer.compare(NodeReport.encode(a).finish(), NodeReport.encode(b).finish()) === 0;

/** Whose row has what its node is known to have reported, so that a node that says the same again need not have it written again. */
export class WrittenReports {
  /** As they were read of rows. */
  private readonly read = new WeakSet<NodeReport>();
  /** Streams that began on a row that says what is known. */
  private readonly begun = new Set<NodeName>();

  noteRead({ report }: NodeRecord): void {
    if (report !== null) this.read.add(report);
  }

  /** A stream of the node begins. @param isNext its row's version follows the one that was read: nobody has written in between */
  begin({ name, report }: NodeRecord, isNext: boolean): void {
    if (isNext && report !== null && this.read.has(report)) this.begun.add(name);
    else this.begun.delete(name);
  }

  forget(name: NodeName): void {
    this.begun.delete(name);
  }

  /** Asked of the first report of a stream; of later ones nothing is known. */
  isWritten({ name, report }: NodeRecord, said: NodeReport): boolean {
    return this.begun.delete(name) && report !== null && isSame(said, report);
  }
}
