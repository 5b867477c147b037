/** Every record type: the fields of its body, who may sign it, in which log and phase it stands. */

import type { LogName } from './policy.js';
import {
  bilingual, blob, box, checkpoint, count, country, equality, hex32, id, list, number, object, type Of, oneOf, orNull,
  role, schnorr, text, time, uuid, verdict, vkey,
} from './schema.js';

const operator = object({ sign: hex32, log: vkey });
const votes = list(object({ option: id, votes: count }));

export const BODIES = {
  manifest: object({
    election_id: uuid,
    name: bilingual,
    timeline: object({ opens: time, closes: time }),
    offer: blob,
    policy: object({ revote: text, min_batch: count, grace_seconds: count, mixers: count }),
    trustees: object({ threshold: count, members: list(object({ id: role, name: text, sign: hex32, box: hex32 })) }),
    mixers: list(object({ id: role, name: text, sign: hex32 })),
    auditors: list(object({ id: role, name: text, sign: hex32, witness: list(vkey) })),
    authority: object({ sign: hex32 }),
    registry: operator,
    ballot_box: operator,
    tally: operator,
  }),
  'dkg-commit': object({ attempt: number, digest: hex32 }),
  'dkg-reveal': object({ attempt: number, commitments: list(hex32), pop: schnorr }),
  'dkg-shares': object({ attempt: number, shares: list(object({ to: role, box })) }),
  'dkg-ack': object({ attempt: number, transcript: hex32 }),
  'dkg-complaint': object({ attempt: number, against: role }),
  'dkg-answer': object({ attempt: number, to: role, share: hex32 }),
  drill: object({ number, shares: list(object({ trustee: role, share: hex32, proof: equality })) }),
  enrolment: object({ commitment: hex32, kind: text }),
  roll: object({ urns: list(object({ urn: id, count, credentials: blob })) }),
  'roll-replace': object({ urn: id, old: hex32, new: hex32 }),
  setup: object({
    manifest_digest: hex32,
    attempt: number,
    joint_key: hex32,
    verification_keys: list(hex32),
    roll: hex32,
    registry: checkpoint,
    lnere: list(object({ urn: id, count })),
    release: hex32,
  }),
  'audit-plan': object({ document: blob, scope: list(text) }),
  'system-opinion': object({ context: hex32, release: hex32, verdict, report: blob }),
  open: object({ context: hex32, time, setup: hex32, opinions: list(hex32), tally: checkpoint }),
  ballot: object({
    context: hex32,
    urn: id,
    contests: list(
      object({ contest: id, ciphertexts: list(object({ a: hex32, b: hex32 })), pok: list(schnorr) }),
    ),
  }),
  block: object({ context: hex32, urn: id, credential: hex32, reason: oneOf('post', 'in-person', 'withdrawn') }),
  close: object({ context: hex32, time, counts: list(object({ urn: id, ballots: count })), late: count }),
  marks: object({
    context: hex32,
    ballot: checkpoint,
    counts: list(object({ urn: id, count })),
    countries: list(object({ country, count })),
  }),
  'tally-input': object({
    context: hex32,
    ballot: checkpoint,
    registry: checkpoint,
    batches: list(object({ urn: id, contest: id, rows: count, input: blob })),
  }),
  'small-batch-decision': object({ context: hex32, urn: id, contest: id, rows: count, decision: text, reason: text }),
  shuffle: object({
    context: hex32, urn: id, contest: id, rows: count, output: blob, proof: orNull(blob), gate: checkpoint,
  }),
  decryption: object({
    context: hex32, urn: id, contest: id, rows: count, shares: blob, proof: orNull(equality), gate: checkpoint,
  }),
  'result-batch': object({
    context: hex32,
    urn: id,
    contest: id,
    rows: count,
    options: votes,
    combinations: list(object({ coalition: id, members: list(id), votes: count })),
    write_ins: object({ votes: count, texts: blob }),
    nulls: count,
    irregular: blob,
    distributed: votes,
    candidates: list(object({ id, votes: count })),
  }),
  result: object({ context: hex32, gate: checkpoint, batches: list(hex32) }),
  opinion: object({
    context: hex32,
    verdict,
    registry: checkpoint,
    ballot: checkpoint,
    tally: checkpoint,
    report: blob,
    tool: object({ name: text, version: text }),
  }),
  certification: object({ context: hex32, result: hex32, opinions: list(hex32), gate: checkpoint }),
  destruction: object({ context: hex32, statement: text }),
  incident: object({ time, kind: text, text }),
  integrity: object({ role: text, release: hex32, files: blob, differences: list(text) }),
  'page-assets': object({ assets: blob }),
};

export type RecordType = keyof typeof BODIES;
export type Body<T extends RecordType> = Of<(typeof BODIES)[T]>;

export const offerShape = object({
  urns: list(object({ id, name: text, contests: list(id) })),
  contests: list(
    object({
      id,
      title: bilingual,
      legend: text,
      options: list(object({ id, name: text }, { party: text, emblem: hex32 })),
      coalitions: list(object({ id, candidate: text, members: list(id) })),
      write_in_bytes: count,
      blocks: count,
    }),
  ),
});
export type Offer = Of<typeof offerShape>;
export type Contest = Offer['contests'][number];
export type Urn = Offer['urns'][number];

/** The role that writes each log. */
export const WRITER: Readonly<Record<LogName, string>> = { registry: 'registry', ballot: 'ballot-box', tally: 'tally' };

/** Signers by type: a role, or a group of roles. "any" is the writer, the authority or an auditor. */
type Signers = 'authority' | 'registry' | 'ballot-box' | 'tally' | 'trustee' | 'mixer' | 'auditor' | 'credential' | 'any';

export const SIGNERS: Readonly<Record<RecordType, Signers>> = {
  manifest: 'authority', 'dkg-commit': 'trustee', 'dkg-reveal': 'trustee', 'dkg-shares': 'trustee', 'dkg-ack': 'trustee',
  'dkg-complaint': 'trustee', 'dkg-answer': 'trustee', drill: 'tally', enrolment: 'registry', roll: 'registry',
  'roll-replace': 'registry', setup: 'authority', 'audit-plan': 'auditor', 'system-opinion': 'auditor',
  open: 'authority', ballot: 'credential', block: 'registry', close: 'ballot-box', marks: 'registry',
  'tally-input': 'tally', 'small-batch-decision': 'authority', shuffle: 'mixer', decryption: 'trustee',
  'result-batch': 'tally', result: 'tally', opinion: 'auditor', certification: 'authority', destruction: 'trustee',
  incident: 'any', integrity: 'any', 'page-assets': 'ballot-box',
};

/** The phases of each log, in order. */
export const PHASES: Readonly<Record<LogName, readonly (readonly RecordType[])[]>> = {
  tally: [
    ['manifest'],
    ['dkg-commit', 'dkg-reveal', 'dkg-shares', 'dkg-ack', 'dkg-complaint', 'dkg-answer'],
    ['setup'], ['system-opinion'], ['tally-input'], ['small-batch-decision'], ['shuffle'], ['decryption'],
    ['result-batch'], ['result'], ['opinion'], ['certification'], ['destruction'],
  ],
  ballot: [['open'], ['ballot', 'block'], ['close']],
  registry: [['enrolment'], ['roll'], ['roll-replace'], ['marks']],
};

/** Types that may stand anywhere after a log's first entry. */
export const ANYWHERE: Readonly<Record<LogName, readonly RecordType[]>> = {
  tally: ['incident', 'integrity', 'audit-plan', 'drill'],
  ballot: ['incident', 'integrity', 'page-assets'],
  registry: ['incident', 'integrity'],
};

export const SINGLE: readonly RecordType[] = [
  'manifest', 'setup', 'open', 'close', 'roll', 'marks', 'tally-input', 'result', 'certification',
];

/** What a record needs, anywhere in another log or earlier in its own. */
export const NEEDS: Partial<Record<RecordType, readonly RecordType[]>> = {
  setup: ['dkg-ack', 'roll'],
  'system-opinion': ['setup'],
  open: ['setup'],
  close: ['open'],
  marks: ['close', 'roll'],
  'tally-input': ['setup', 'close', 'marks'],
  'small-batch-decision': ['tally-input'],
  shuffle: ['tally-input'],
  decryption: ['tally-input'],
  'result-batch': ['tally-input'],
  result: ['tally-input'],
  opinion: ['result'],
  certification: ['result'],
  'roll-replace': ['roll'],
};

/** The log in which each foundation stands. */
export function homeOf(type: RecordType): LogName {
  const logs = Object.keys(PHASES) as LogName[];
  return logs.find((log) => PHASES[log].some((phase) => phase.includes(type)))!;
}

/** The checkpoint fields of each type, with the log that each is of. */
export const CHECKPOINTS: Partial<Record<RecordType, Readonly<Record<string, LogName>>>> = {
  setup: { registry: 'registry' },
  open: { tally: 'tally' },
  marks: { ballot: 'ballot' },
  'tally-input': { ballot: 'ballot', registry: 'registry' },
  shuffle: { gate: 'tally' },
  decryption: { gate: 'tally' },
  result: { gate: 'tally' },
  opinion: { registry: 'registry', ballot: 'ballot', tally: 'tally' },
  certification: { gate: 'tally' },
};
