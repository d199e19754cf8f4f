// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { NodeMessage } from '../api/schemas';
import { Ago } from '../time/ago';
import { useNowMs } from '../time/now';

/** Whether a node's certificate lets it in, and until when. One that has ended is renewed as the node connects. */
export function CertificateWords({
  node: { revokedAt, certificateEndsAt },
}: {
  readonly node: NodeMessage;
}): ReactElement {
  const nowMs = useNowMs();
  if (revokedAt !== undefined) {
    return (
      <>
        revoked <Ago at={revokedAt} />
      </>
    );
  }
  if (certificateEndsAt === undefined) return <>good; its end is known once it connects</>;
  return Date.parse(certificateEndsAt) > nowMs ? (
    <>
      good, ends <Ago at={certificateEndsAt} />
    </>
  ) : (
    <>
      ended <Ago at={certificateEndsAt} />: renewed when it connects
    </>
  );
}
