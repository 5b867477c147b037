/** What holds for every record alike: form, blobs, checkpoints, signatures, roles, order. */

import { ANYWHERE, CHECKPOINTS, homeOf, NEEDS, PHASES, type RecordType, SIGNERS, SINGLE, WRITER } from './bodies.js';
import { equal, fromHex, sha256, toHex } from './bytes.js';
import { answersFor, type Election, failure, placeOf, writerOf } from './election.js';
import { CheckFailed } from './failure.js';
import { JsonError, readCanonical } from './json.js';
import type { VerifiedLog } from './logs.js';
import { type LogName, LOGS } from './policy.js';
import { type Entry, parseEntry } from './record.js';
import { blob as blobShape, type Blob, hex32, record } from './schema.js';

/** [CANONICAL] of all entries of one log. */
export function parseLog(log: LogName, verified: VerifiedLog): Entry[] {
  return verified.entries.map((bytes, position) => {
    try {
      return parseEntry(bytes, log, position, verified.tree.leaf(position));
    } catch (error) {
      if (error instanceof JsonError) throw new CheckFailed('CANONICAL', error.message, `${log}/${position}`, WRITER[log]);
      throw error;
    }
  });
}

function* blobsIn(value: unknown): Generator<Blob> {
  if (typeof value !== 'object' || value === null) return;
  if (blobShape(value)) yield value;
  else for (const part of Object.values(value)) yield* blobsIn(part);
}

/** Types whose bodies name blobs; ballots, the many, do not. */
const namesBlobs = (entry: Entry): boolean => entry.type !== 'ballot';
/** More than the shuffle proof of a million ballots; a larger blob is refused. */
const LARGEST_BLOB = 2 ** 30;

async function digestOf(e: Election, name: string, limit: number): Promise<{ size: number; digest: string } | null> {
  const known = await e.source.size(`blob/${name}`);
  if (known !== null && known > limit) return { size: known, digest: '' };
  const pieces = await e.source.open(`blob/${name}`);
  if (pieces === null) return null;
  const hash = sha256.create();
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > limit) break;
    hash.update(piece);
  }
  return { size, digest: toHex(hash.digest()) };
}

/** [BLOB-DIGEST] of all named blobs, and of every other file that is named like one. */
export async function blobDigests(e: Election): Promise<boolean> {
  const seen = new Map<string, number>();
  const naming = [...e.entries()].filter(namesBlobs);
  const named = naming.flatMap((entry) => [...blobsIn(entry.body)].map((ref) => ({ entry, ref })));
  for (const [done, { entry, ref }] of named.entries()) {
    e.host.progress('BLOB-DIGEST', done, named.length);
    const where = `blob/${ref.sha256}`;
    const fail = (detail: string) => new CheckFailed('BLOB-DIGEST', `${detail}, named by ${entry.where}`, where, writerOf(entry));
    if (!seen.has(ref.sha256)) {
      const found = await digestOf(e, ref.sha256, Math.min(ref.size, LARGEST_BLOB));
      if (found === null) throw fail('the blob is missing');
      if (found.size !== ref.size || found.digest !== ref.sha256) throw fail('the blob has another size or digest');
      seen.set(ref.sha256, found.size);
    } else if (seen.get(ref.sha256) !== ref.size) {
      throw fail('the blob has another size');
    }
  }
  for (const name of ((await e.source.blobNames()) ?? []).sort()) {
    if (!/^[0-9a-f]{64}$/.test(name) || seen.has(name)) continue;
    const found = await digestOf(e, name, LARGEST_BLOB);
    // A folder or a link of that name is not what its name says either.
    if (found === null || found.size > LARGEST_BLOB || found.digest !== name) {
      throw new CheckFailed('BLOB-DIGEST', 'the file is not what its name says', `blob/${name}`, null);
    }
  }
  return true;
}

const fileList = record(hex32);

/** [CANONICAL] of the file lists that integrity statements and page assets name; no later stage reads them. */
export async function fileLists(e: Election): Promise<boolean> {
  const named = [
    ...e.all('integrity').map((entry) => ({ entry: entry as Entry, ref: entry.body.files })),
    ...e.all('page-assets').map((entry) => ({ entry: entry as Entry, ref: entry.body.assets })),
  ];
  for (const { entry, ref } of named) {
    try {
      if (!fileList(readCanonical(await e.readBlob(ref, placeOf(entry))))) throw new JsonError('not a list of files');
    } catch (error) {
      if (error instanceof JsonError) throw failure('CANONICAL', `blob ${ref.sha256}: ${error.message}`, entry);
      throw error;
    }
  }
  return true;
}

function checkpointFields(entry: Entry): [field: string, log: LogName][] {
  return Object.entries(CHECKPOINTS[entry.type] ?? {});
}

/** [NOTE] of the checkpoints inside records. */
export async function notesInside(e: Election): Promise<boolean> {
  for (const entry of e.entries()) {
    for (const [field, log] of checkpointFields(entry)) await e.openField(entry, field, log);
  }
  return true;
}

/** [CHECKPOINT]: each is a past state of that log. */
export async function checkpointsInside(e: Election): Promise<boolean> {
  let applied = false;
  for (const entry of e.entries()) {
    for (const [field, log] of checkpointFields(entry)) {
      applied = true;
      const { size, root } = await e.openField(entry, field, log);
      const most = log === entry.log ? entry.position : e.trees[log].size;
      // The log's writer signed what is cited, so it answers for a state that its log never had.
      const fail = (detail: string) => failure('CHECKPOINT', `${field}: ${detail}`, entry, WRITER[log]);
      if (size > BigInt(most)) throw fail('larger than the log can have been');
      if (!equal(e.trees[log].root(Number(size)), root)) throw fail('not a past state');
    }
  }
  return applied;
}

/** A tally log that does not begin with the manifest leaves nothing to check signatures with. */
export function beginsWithManifest(e: Election): boolean {
  if (e.logs.tally[0]?.type !== 'manifest') {
    throw new CheckFailed('ORDER', 'the tally log does not begin with a manifest', 'tally/0', WRITER.tally);
  }
  // The rest of ORDER is a later stage's.
  return false;
}

/** The signing key of every role of the manifest. */
export function roleKeys(e: Election): Map<string, Uint8Array> {
  const { authority, registry, ballot_box, tally, trustees, mixers, auditors } = e.manifest;
  const single = { authority, registry, 'ballot-box': ballot_box, tally };
  const pairs = [
    ...Object.entries(single).map(([id, { sign }]) => ({ id, sign })),
    ...trustees.members, ...mixers, ...auditors,
  ];
  const keys = new Map<string, Uint8Array>();
  for (const { id, sign } of pairs) if (!keys.has(id)) keys.set(id, fromHex(sign));
  return keys;
}

/** [RECORD-SIGNATURE] of every record whose signer is a role, but ballots'. */
export async function recordSignatures(e: Election): Promise<boolean> {
  const keys = roleKeys(e);
  for (const entry of e.entries()) {
    const key = keys.get(entry.signer);
    if (entry.type === 'ballot' || key === undefined) continue;
    if (!(await e.host.verify(key, entry.signed(), entry.signature))) {
      throw failure('RECORD-SIGNATURE', 'the signature does not verify', entry, entry.signer);
    }
  }
  return true;
}

function maySign(entry: Entry): boolean {
  const group = entry.signer.split('/')[0]!;
  const signers = SIGNERS[entry.type];
  if (signers === 'credential') return true;
  if (signers === 'any') return entry.signer === writerOf(entry) || group === 'authority' || group === 'auditor';
  return group === signers;
}

/** [RECORD-ROLE]: made for this log, and signed by a role that may sign the type. */
export function recordRoles(e: Election): boolean {
  const keys = roleKeys(e);
  for (const entry of e.entries()) {
    const isRole = keys.has(entry.signer);
    const party = isRole && entry.type !== 'ballot' ? entry.signer : writerOf(entry);
    if (entry.origin !== e.policy.logs[entry.log].key.name) {
      throw failure('RECORD-ROLE', 'the record is made for another log', entry, party);
    }
    if (entry.type === 'ballot') continue;
    if (!isRole || !maySign(entry)) throw failure('RECORD-ROLE', `${entry.signer} may not sign a ${entry.type}`, entry, party);
  }
  return true;
}

function orderOfLog(e: Election, log: LogName): void {
  const begins = log === 'registry' ? null : PHASES[log][0]![0]!;
  const seen = new Set<RecordType>();
  let phase = 0;
  for (const entry of e.logs[log]) {
    const fail = (detail: string) => failure('ORDER', detail, entry, writerOf(entry));
    const place = PHASES[log].findIndex((types) => types.includes(entry.type));
    const anywhere = ANYWHERE[log].includes(entry.type);
    if (place < 0 && !anywhere) throw fail(`a ${entry.type} has no place in this log`);
    if (anywhere && entry.position === 0) throw fail('the log begins with a record that may only follow others');
    if (entry.position === 0 && begins !== null && entry.type !== begins) throw fail(`the log does not begin with ${begins}`);
    if (!anywhere && place < phase) throw fail(`a ${entry.type} comes too late`);
    if (SINGLE.includes(entry.type) && seen.has(entry.type)) throw fail(`a second ${entry.type}`);
    if (!anywhere) phase = place;
    seen.add(entry.type);
  }
}

/** The first record of each type stands after the records that it builds on, or their logs have them. */
function foundations(e: Election, log: LogName): void {
  const firstOf = (home: LogName, type: RecordType) => e.logs[home].find((entry) => entry.type === type);
  for (const [type, needs] of Object.entries(NEEDS) as [RecordType, readonly RecordType[]][]) {
    const entry = firstOf(log, type);
    if (entry === undefined) continue;
    for (const needed of needs) {
      const found = firstOf(homeOf(needed), needed);
      if (found === undefined || (found.log === log && found.position > entry.position)) {
        throw failure('ORDER', `a ${type} without ${needed}`, entry, writerOf(entry));
      }
    }
  }
}

/** [ORDER]: phases and single records of all logs, then foundations. */
export function order(e: Election): boolean {
  for (const log of LOGS) orderOfLog(e, log);
  for (const log of LOGS) foundations(e, log);
  return true;
}

export { answersFor };
