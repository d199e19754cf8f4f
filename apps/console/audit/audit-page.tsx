// SPDX-License-Identifier: GPL-2.0-only
import { Button, NativeSelect, TextInput } from '@mantine/core';
import type { AuditRecord } from '@lockstep/domain/audit';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useState, type ReactElement } from 'react';
import { useLiveEvents } from '../api/live-events';
import type { Schemas } from '../api/schemas';
import { countWords } from '../display/counts';
import { Icon } from '../display/icon';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { ProblemNote } from '../display/problem-note';
import { ShowMore } from '../display/show-more';
import { StateMark } from '../display/state-mark';
import { useUrlState } from '../display/url-state';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { Ago } from '../time/ago';
import { nothingRead, readOn, verifyAudit, type AuditRead } from './audit-log';
import './audit.css';

const spans = [
  { value: '', label: 'the last 200' },
  { value: '2000', label: 'the last 2,000' },
  { value: 'all', label: 'everything' },
] as const;

const atFirst = 200;

/** What is read, and goes on being read while somebody looks. */
function useAudit(last: string, isAllowed: boolean): AuditRead {
  const [read, setRead] = useState(nothingRead);
  const asked = last === 'all' ? '' : `last=${last === '' ? atFirst : Number(last) || atFirst}&`;
  const path = `/v1/audit?${asked}follow=true`;
  useEffect(() => {
    setRead(nothingRead);
  }, [path]);
  useLiveEvents(isAllowed ? path : undefined, (data) => {
    const message = JSON.parse(data) as Schemas['ReadAuditResponse'];
    setRead((before) => readOn(before, message));
  });
  return read;
}

const refused = (result: string): boolean => result !== 'done' && result !== 'begun';

function Row({ record }: { readonly record: AuditRecord }): ReactElement {
  const { seq, at, who, call, on, because, result, details, from, token } = record;
  return (
    <tr>
      <td className="dim">{seq}</td>
      <td className="nowrap">
        <Ago at={at} />
      </td>
      <td title={[token === '' ? '' : `token ${token}`, from].filter((text) => text !== '').join(', from ')}>{who}</td>
      <td>
        {call} <span className="dim">{on}</span>
        {because !== '' && <div>“{because}”</div>}
        {details !== '' && details !== '{}' && (
          <details>
            <summary>asked for</summary>
            <code className="audit-details">{details}</code>
          </details>
        )}
      </td>
      <td>
        {refused(result) ? (
          <StateMark state={{ tone: 'warn', icon: 'lock', word: result }} />
        ) : (
          <span className="dim">{result}</span>
        )}
      </td>
    </tr>
  );
}

/** Hashes and signatures are computed by this page: it believes nobody. */
function Verify({ read }: { readonly read: AuditRead }): ReactElement {
  const { mutate, data, error, isPending } = useMutation({ mutationFn: () => verifyAudit(read) });
  const first = read.records[0]?.seq ?? 0;
  return (
    <div className="verify">
      <Button
        variant="default"
        leftSection={<Icon name="link" size={14} />}
        loading={isPending}
        disabled={read.records.length === 0}
        onClick={() => {
          mutate();
        }}
      >
        Verify what is shown
      </Button>
      {data !== undefined && data.faults.length === 0 && (
        <StateMark
          state={{
            ...{ tone: 'good', icon: 'check' },
            word: `whole from ${first} to ${data.lastSeq}, ${countWords(data.checkpoints, 'signature')} good`,
          }}
        />
      )}
      {data?.faults.map(({ kind, seq, message }) => (
        <StateMark
          key={`${kind} ${seq}`}
          state={{ tone: 'bad', icon: 'warning', word: `${seq} ${kind}: ${message}` }}
        />
      ))}
      <ProblemNote error={error} what="It could not be verified" />
    </div>
  );
}

/** Who did what. */
export function AuditPage(): ReactElement {
  const session = useSession();
  const forbidden = whyNot(session, 'audit');
  const { values, set } = useUrlState(['last', 'find']);
  const read = useAudit(values.last, forbidden === undefined);
  const [most, setMost] = useState(atFirst);
  const sought = values.find.toLowerCase();
  const shown = read.records
    .filter(({ who, call, on, because, result, details }) =>
      [who, call, on, because, result, details].some((text) => text.toLowerCase().includes(sought)),
    )
    .toReversed();
  return (
    <>
      <PageHead
        title="Audit"
        summary="Who did what, or was refused: a chain of hashes that nobody can edit unnoticed."
        actions={forbidden === undefined && <Verify read={read} />}
      />
      {forbidden !== undefined ? (
        <div className="note tone-warn">
          <Icon name="lock" />
          <div>{forbidden}</div>
        </div>
      ) : (
        <>
          <div className="filters" role="search" aria-label="Search the audit">
            <TextInput
              label="Find"
              placeholder="person:ada, AppendLoad, web-01"
              value={values.find}
              onChange={({ currentTarget }) => {
                set({ find: currentTarget.value });
              }}
            />
            <NativeSelect
              label="In"
              data={[...spans]}
              value={values.last}
              onChange={({ currentTarget }) => {
                set({ last: currentTarget.value });
              }}
            />
          </div>
          <Panel title="Newest first" flush aside={`${countWords(shown.length, 'record')}, followed live`}>
            {shown.length === 0 ? (
              <NothingHere title="No such record." />
            ) : (
              <div className="rows-scroll">
                <table className="rows">
                  <thead>
                    <tr>
                      <th scope="col">Seq</th>
                      <th scope="col">When</th>
                      <th scope="col">Who</th>
                      <th scope="col">What</th>
                      <th scope="col">Result</th>
                    </tr>
                  </thead>
                  <tbody>
                    {shown.slice(0, most).map((record) => (
                      <Row key={record.seq} record={record} />
                    ))}
                  </tbody>
                </table>
                <ShowMore
                  left={shown.length - most}
                  one="record"
                  onMore={() => {
                    setMost(most + 10 * atFirst);
                  }}
                />
              </div>
            )}
          </Panel>
        </>
      )}
    </>
  );
}
