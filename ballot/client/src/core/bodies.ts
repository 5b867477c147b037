/** The bodies of the records that a client reads, and of the offer. Source: docs/spec/record-bodies.md, manifest.md. */

import { bilingual, blob, count, hex32, hexOf, list, matching, number, schnorr, struct, text, time, type Read, type Reader } from './fields.ts';

export const MAX_OFFER_BYTES = 16 << 20;

const option = struct({ id: text, name: text }, { party: text, emblem: hex32 });
const coalition = struct({ id: text, candidate: text, members: list(text) });
const contest = struct({
  id: text,
  title: bilingual,
  legend: text,
  options: list(option),
  coalitions: list(coalition),
  write_in_bytes: count,
  blocks: count,
});
export const offer = struct({ urns: list(struct({ id: text, name: text, contests: list(text) })), contests: list(contest) });

const member = { id: text, name: text, sign: hex32 };
const logParty = struct({ sign: hex32, log: text });
const manifest = struct({
  election_id: matching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  name: bilingual,
  timeline: struct({ opens: time, closes: time }),
  offer: blob,
  policy: struct({ revote: text, min_batch: count, grace_seconds: count, mixers: count }),
  trustees: struct({ threshold: count, members: list(struct({ ...member, box: hex32 })) }),
  mixers: list(struct(member)),
  auditors: list(struct({ ...member, witness: list(text) })),
  authority: struct({ sign: hex32 }),
  registry: logParty,
  ballot_box: logParty,
  tally: logParty,
});

const dkgReveal = struct({ attempt: number, commitments: list(hex32), pop: schnorr });
const dkgAck = struct({ attempt: number, transcript: hex32 });
const dkgComplaint = struct({ attempt: number, against: text });
const dkgAnswer = struct({ attempt: number, to: text, share: hex32 });
const dkgCommit = struct({ attempt: number, digest: hex32 });
const dkgShares = struct({ attempt: number, shares: list(struct({ to: text, box: hexOf(72) })) });
const equality = struct({ t1: hex32, t2: hex32, response: hex32 });

const urnCounts = list(struct({ urn: text, count }));
const roll = struct({ urns: list(struct({ urn: text, count, credentials: blob })) });
const rollReplace = struct({ urn: text, old: hex32, new: hex32 });
const setup = struct({
  manifest_digest: hex32,
  attempt: number,
  joint_key: hex32,
  verification_keys: list(hex32),
  roll: hex32,
  registry: text,
  lnere: urnCounts,
  release: hex32,
});

export const ballot = struct({
  context: hex32,
  urn: text,
  contests: list(struct({ contest: text, ciphertexts: list(struct({ a: hex32, b: hex32 })), pok: list(schnorr) })),
});

export type Offer = Read<typeof offer>;
export type Contest = Read<typeof contest>;
export type Option = Read<typeof option>;
export type Manifest = Read<typeof manifest>;
export type DkgReveal = Read<typeof dkgReveal>;
export type DkgAnswer = Read<typeof dkgAnswer>;
export type Roll = Read<typeof roll>;
export type RollReplace = Read<typeof rollReplace>;
export type Setup = Read<typeof setup>;
export type Ballot = Read<typeof ballot>;

/** The bodies that a client may meet by record type; every other type is unknown to it. */
export interface Bodies {
  manifest: Manifest;
  'dkg-commit': Read<typeof dkgCommit>;
  'dkg-reveal': DkgReveal;
  'dkg-shares': Read<typeof dkgShares>;
  'dkg-ack': Read<typeof dkgAck>;
  'dkg-complaint': Read<typeof dkgComplaint>;
  'dkg-answer': DkgAnswer;
  roll: Roll;
  'roll-replace': RollReplace;
  setup: Setup;
}

/** The form of each type, the log in which it may stand, and the roles that may sign it; `writer` is the log's own. */
export const KINDS: Readonly<Record<string, { body: Reader<unknown>; log: 'tally' | 'registry' | null; signers: readonly string[] }>> = {
  manifest: { body: manifest, log: 'tally', signers: ['authority'] },
  'dkg-commit': { body: dkgCommit, log: 'tally', signers: ['trustee'] },
  'dkg-reveal': { body: dkgReveal, log: 'tally', signers: ['trustee'] },
  'dkg-shares': { body: dkgShares, log: 'tally', signers: ['trustee'] },
  'dkg-ack': { body: dkgAck, log: 'tally', signers: ['trustee'] },
  'dkg-complaint': { body: dkgComplaint, log: 'tally', signers: ['trustee'] },
  'dkg-answer': { body: dkgAnswer, log: 'tally', signers: ['trustee'] },
  drill: {
    body: struct({ number, shares: list(struct({ trustee: text, share: hex32, proof: equality })) }),
    log: 'tally',
    signers: ['tally'],
  },
  setup: { body: setup, log: 'tally', signers: ['authority'] },
  'audit-plan': { body: struct({ document: blob, scope: list(text) }), log: 'tally', signers: ['auditor'] },
  enrolment: { body: struct({ commitment: hex32, kind: text }), log: 'registry', signers: ['registry'] },
  roll: { body: roll, log: 'registry', signers: ['registry'] },
  'roll-replace': { body: rollReplace, log: 'registry', signers: ['registry'] },
  marks: {
    body: struct({
      context: hex32,
      ballot: text,
      counts: urnCounts,
      countries: list(struct({ country: matching(/^(?:[A-Z]{2}|other)$/), count })),
    }),
    log: 'registry',
    signers: ['registry'],
  },
  incident: { body: struct({ time, kind: text, text }), log: null, signers: ['writer', 'authority', 'auditor'] },
  integrity: {
    body: struct({ role: text, release: hex32, files: blob, differences: list(text) }),
    log: null,
    signers: ['writer', 'authority', 'auditor'],
  },
};

