/** The record as the stages see it: authentic entries, opened checkpoints, and what earlier stages established. */

import type { Body, Contest, Offer, RecordType, Urn } from './bodies.js';
import { CHECKPOINTS, WRITER } from './bodies.js';
import { equal, fromHex, sha256, toHex, utf8 } from './bytes.js';
import type { Verify } from './ed25519.js';
import { CheckFailed, type CheckId } from './failure.js';
import { decodeElement, type Element, isIdentity } from './group.js';
import { Tree } from './merkle.js';
import { type Checkpoint, NoteError, openCheckpoint } from './note.js';
import { type LogName, LOGS, type Policy, witnessKeys } from './policy.js';
import { bodyBytes, type Entry, isType } from './record.js';
import { scalarOfBytes } from './scalar.js';
import type { Blob } from './schema.js';
import { readFile, type RecordSource } from './source.js';
import type { Place, Workers } from './work.js';

/** What the host lends: hands for the heavy work, the check of a single signature, and an ear for progress. */
export interface Host extends Workers {
  readonly verify: Verify;
  progress(check: CheckId, done: number, total: number): void;
}

/** One (urn, contest) pair with what its ballots amount to. */
export interface Batch {
  readonly urn: Urn;
  readonly contest: Contest;
  readonly rows: readonly Entry<'ballot'>[];
  /** All ciphertext bytes, row by row, block by block, a then b. */
  readonly input: Uint8Array;
  readonly inputRef: Blob;
}

export class Election {
  private readonly byType = new Map<RecordType, Entry[]>();
  private readonly opened = new Map<string, Checkpoint | NoteError>();
  private orderedBatches: Batch[] | null = null;

  /** Set by the stage that checks the offer; later stages rely on its ids. */
  offer!: Offer;
  /** The roll after all replacements, by urn. */
  readonly roll = new Map<string, Set<string>>();
  /** The ciphertexts of each batch as they leave the last shuffle, kept for decryption. */
  readonly mixed = new Map<string, Uint8Array>();
  /** The shares of each batch by trustee number, verified. */
  readonly shares = new Map<string, Map<number, Uint8Array>>();

  constructor(
    readonly policy: Policy,
    readonly source: RecordSource,
    readonly host: Host,
    readonly logs: Readonly<Record<LogName, readonly Entry[]>>,
    readonly trees: Readonly<Record<LogName, Tree>>,
  ) {
    for (const entry of this.entries()) {
      const same = this.byType.get(entry.type) ?? [];
      same.push(entry);
      this.byType.set(entry.type, same);
    }
  }

  *entries(): Generator<Entry> {
    for (const log of LOGS) yield* this.logs[log];
  }

  all<T extends RecordType>(type: T): readonly Entry<T>[] {
    return (this.byType.get(type) ?? []) as unknown as Entry<T>[];
  }

  first<T extends RecordType>(type: T): Entry<T> | undefined {
    return this.all(type)[0];
  }

  has(type: RecordType): boolean {
    return this.byType.has(type);
  }

  get manifest(): Body<'manifest'> {
    return this.first('manifest')!.body;
  }

  get threshold(): number {
    return this.manifest.trustees.threshold;
  }

  get trustees(): readonly string[] {
    return this.manifest.trustees.members.map((member) => member.id);
  }

  readonly manifestDigest = (): Uint8Array => sha256(bodyBytes(this.first('manifest')!));

  /** The setup context, or null before `setup`. */
  readonly context = memo((): Uint8Array | null => {
    const setup = this.first('setup');
    return setup === undefined ? null : sha256(concatText('VEMRE-1/setup', bodyBytes(setup)));
  });

  /** The joint key, once SETUP has shown that it is the right one. */
  readonly jointKey = memo((): Element => decodeElement(fromHex(this.first('setup')!.body.joint_key))!);

  readonly verificationKeys = memo((): Element[] =>
    this.first('setup')!.body.verification_keys.map((key) => decodeElement(fromHex(key))!),
  );

  readonly ballotsByUrn = memo((): Map<string, Entry<'ballot'>[]> => {
    const urns = new Map<string, Entry<'ballot'>[]>(this.offer.urns.map((urn) => [urn.id, []]));
    for (const ballot of this.all('ballot')) urns.get(ballot.body.urn)?.push(ballot);
    return urns;
  });

  ballotsOf(urn: string): readonly Entry<'ballot'>[] {
    return this.ballotsByUrn().get(urn) ?? [];
  }

  readonly contests = memo(
    (): Map<string, Contest> => new Map(this.offer.contests.map((contest) => [contest.id, contest])),
  );

  /** All batches in manifest order. Ballots must have passed their checks. */
  batches(): readonly Batch[] {
    this.orderedBatches ??= this.offer.urns.flatMap((urn) =>
      urn.contests.map((id) => this.batchOf(urn, this.contests().get(id)!)),
    );
    return this.orderedBatches;
  }

  batch(urn: string, contest: string): Batch | undefined {
    return this.batches().find((batch) => batch.urn.id === urn && batch.contest.id === contest);
  }

  private batchOf(urn: Urn, contest: Contest): Batch {
    const rows = this.ballotsOf(urn.id);
    const input = new Uint8Array(64 * contest.blocks * rows.length);
    let at = 0;
    for (const row of rows) {
      const part = row.body.contests.find((marked) => marked.contest === contest.id)!;
      for (const { a, b } of part.ciphertexts) {
        input.set(fromHex(a), at);
        input.set(fromHex(b), at + 32);
        at += 64;
      }
    }
    return { urn, contest, rows, input, inputRef: { sha256: toHex(sha256(input)), size: input.length } };
  }

  /** The verified checkpoints of a record by field. */
  async checkpoints(entry: Entry): Promise<Record<string, Checkpoint>> {
    const found: Record<string, Checkpoint> = {};
    for (const [field, log] of Object.entries(CHECKPOINTS[entry.type] ?? {})) {
      found[field] = await this.openField(entry, field, log);
    }
    return found;
  }

  /** [NOTE] of one checkpoint field. */
  async openField(entry: Entry, field: string, log: LogName): Promise<Checkpoint> {
    const text = (entry.body as unknown as Record<string, string>)[field]!;
    const key = `${log}\n${text}`;
    let found = this.opened.get(key);
    if (found === undefined) {
      found = await attempt(openCheckpoint(utf8(text), this.policy.logs[log].key, witnessKeys(this.policy), this.host.verify));
      this.opened.set(key, found);
    }
    if (found instanceof NoteError) throw failure('NOTE', `${field}: ${found.message}`, entry);
    return found;
  }

  /** The bytes of a blob that a stage needs. It was there before; a source that changes its mind is caught here. */
  async readBlob(ref: Blob, place: Place): Promise<Uint8Array> {
    const bytes = await readFile(this.source, `blob/${ref.sha256}`, ref.size);
    if (bytes === null || bytes.length !== ref.size || toHex(sha256(bytes)) !== ref.sha256) {
      throw new CheckFailed('BLOB-DIGEST', `blob ${ref.sha256} is missing or damaged`, place.where, place.party);
    }
    return bytes;
  }
}

function memo<T>(compute: () => T): () => T {
  let done: { value: T } | null = null;
  return () => (done ??= { value: compute() }).value;
}

async function attempt(opening: Promise<Checkpoint>): Promise<Checkpoint | NoteError> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof NoteError) return error;
    throw error;
  }
}

export function concatText(text: string, ...parts: Uint8Array[]): Uint8Array {
  const head = utf8(text);
  const out = new Uint8Array(head.length + parts.reduce((sum, part) => sum + part.length, 0));
  out.set(head);
  let at = head.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const writerOf = (entry: Entry): string => WRITER[entry.log];

/** Who answers for a record: its signer where that is a role's name, its log's writer otherwise. */
export function answersFor(entry: Entry): string {
  const isRole = /^(?:authority|registry|ballot-box|tally|(?:trustee|mixer|auditor)\/[1-9][0-9]*)$/.test(entry.signer);
  return isRole ? entry.signer : writerOf(entry);
}

export function failure(check: CheckId, detail: string, entry: Entry, party = answersFor(entry)): CheckFailed {
  return new CheckFailed(check, detail, entry.where, party);
}

/** Decode an element that may not be the identity. @throws CheckFailed [ELEMENT] or [IDENTITY] */
export function elementAt(bytes: Uint8Array, what: string, place: Place, identity: CheckId = 'IDENTITY'): Element {
  const element = decodeElement(bytes);
  if (element === null) throw new CheckFailed('ELEMENT', `${what} is not an element`, place.where, place.party);
  if (isIdentity(element)) throw new CheckFailed(identity, `${what} is the identity`, place.where, place.party);
  return element;
}

/** @throws CheckFailed [SCALAR] */
export function scalarAt(bytes: Uint8Array, what: string, place: Place): bigint {
  const scalar = scalarOfBytes(bytes);
  if (scalar === null) throw new CheckFailed('SCALAR', `${what} is not below l`, place.where, place.party);
  return scalar;
}

/** All elements of a blob of 32-byte encodings. */
export function elementsAt(bytes: Uint8Array, what: string, place: Place): Element[] {
  const out: Element[] = [];
  for (let at = 0; at < bytes.length; at += 32) {
    out.push(elementAt(bytes.subarray(at, at + 32), `${what} ${at / 32}`, place));
  }
  return out;
}

export const placeOf = (entry: Entry, party = answersFor(entry)): Place => ({ where: entry.where, party });
export const sameBlob = (a: Blob, b: Blob): boolean => a.sha256 === b.sha256 && a.size === b.size;
export const leafHex = (entry: Entry): string => toHex(entry.leaf);
export { equal, isType };
