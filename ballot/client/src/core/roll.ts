/** The roll of public credentials, as far as one voter needs it. Source: docs/spec/roll-and-setup.md. */

import { sha256 } from '@noble/hashes/sha2.js';
import { chunks, compare, equal, hex, unhex, utf8 } from './bytes.ts';
import type { BlobRef } from './fields.ts';
import type { Offer, Setup } from './bodies.ts';
import * as ed25519 from './ed25519.ts';
import { CheckFailed, NotFound, Refused, located } from './errors.ts';
import { MAX_NOTE_BYTES, auditorsOf } from './note.ts';
import { openWith, type Policy } from './policy.ts';
import { LogReader } from './reader.ts';
import { checkSigner, isOf, parseRecord, type Entry } from './record.ts';
import type { LogName, Source } from './source.ts';

const KEY_BYTES = 32;
const MAX_ROLL_BYTES = 1 << 28;
const AFTER_ROLL = new Set(['roll-replace', 'marks', 'incident', 'integrity']);

/** The latest checkpoint of a log that a quorum cosigned, and the log below it. Throws CheckFailed(NOTE or LOG),
 * Refused("not-cosigned-yet"). */
export async function openLog(source: Source, log: LogName, policy: Policy): Promise<LogReader> {
  let data: Uint8Array;
  try {
    data = await source.get('cosigned', log, MAX_NOTE_BYTES);
  } catch (error) {
    throw error instanceof NotFound ? new Refused('not-cosigned-yet', { log }) : error;
  }
  const opened = located(`${log}/checkpoint`, () => openWith(policy, log, data));
  if (auditorsOf(opened, policy.witnesses).length < policy.quorum) throw new Refused('not-cosigned-yet', { log });
  return LogReader.open(source, log, opened);
}

/** A blob that a record names. Throws CheckFailed(BLOB-DIGEST). */
export async function readBlob(source: Source, ref: BlobRef, limit: number): Promise<Uint8Array> {
  const where = `blob/${ref.sha256}`;
  if (ref.size > limit) throw new CheckFailed('BLOB-DIGEST', 'larger than such a blob may be', where);
  let data: Uint8Array;
  try {
    data = await source.get(ref.sha256, 'blob', ref.size);
  } catch (error) {
    throw error instanceof NotFound ? new CheckFailed('BLOB-DIGEST', 'the blob is missing', where) : error;
  }
  if (data.length !== ref.size || hex(sha256(data)) !== ref.sha256) {
    throw new CheckFailed('BLOB-DIGEST', 'the bytes are not those that the record names', where);
  }
  return data;
}

/** The roll that a setup binds, and its replacements, without the credentials themselves. */
export class CredentialRoll {
  private constructor(
    private readonly roll: Entry<'roll'>,
    private readonly replacements: readonly Entry<'roll-replace'>[],
    private readonly origin: string,
    private readonly keys: ReadonlyMap<string, Uint8Array>,
  ) {}

  /** From the registry's log, at the checkpoint that `setup` carries.
   *
   * Throws CheckFailed (NOTE, LOG, CHECKPOINT, GATE, CANONICAL, RECORD-SIGNATURE, RECORD-ROLE, ORDER, ROLL-URNS,
   * ROLL-COUNT, ROLL-FROZEN, SETUP), Refused("not-cosigned-yet"). */
  static async open(
    source: Source, policy: Policy, setup: Setup, where: string, offer: Offer, keys: ReadonlyMap<string, Uint8Array>,
  ): Promise<CredentialRoll> {
    const cited = located(where, () => openWith(policy, 'registry', utf8(setup.registry)));
    if (auditorsOf(cited, policy.witnesses).length < policy.quorum) {
      throw new CheckFailed('GATE', 'the registry checkpoint of the setup has no quorum', where);
    }
    const log = await openLog(source, 'registry', policy);
    if (log.size < cited.size) throw new Refused('not-cosigned-yet', { log: 'registry' });
    if (!equal(await log.rootAt(cited.size), cited.root)) {
      throw new CheckFailed('CHECKPOINT', 'the registry log is not the one that the setup binds', where);
    }
    const start = await log.findLast(unhex(setup.roll), cited.size);
    if (start === null) throw new CheckFailed('SETUP', 'the roll of the setup is not in the registry log', where);
    const origin = policy.logs.registry.name;
    const replacements: Entry<'roll-replace'>[] = [];
    let roll: Entry<'roll'> | null = null;
    for await (const [index, entry] of log.entries(start)) {
      const place = `registry/${index}`;
      const record = located(place, () => parseRecord(entry, place));
      if (index === start && isOf(record, 'roll')) {
        roll = record;
        checkSigner(record, 'registry', origin, keys);
        checkUrns(record, offer, setup);
      } else if (index === start) {
        throw new CheckFailed('SETUP', 'what the setup names is no roll', where);
      } else if (!AFTER_ROLL.has(record.type)) {
        throw new CheckFailed('ORDER', `${record.type} after the roll`, place);
      } else if (isOf(record, 'roll-replace')) {
        if (index >= cited.size) throw new CheckFailed('ROLL-FROZEN', 'a credential replaced after the setup', place);
        replacements.push(record);
      }
    }
    return new CredentialRoll(roll!, replacements, origin, keys);
  }

  /** Whether a credential (hex) is on the roll of an urn after all replacements.
   *
   * Reads the urn's credentials. What is wrong with them, or with the replacements of this urn or of this credential,
   * throws CheckFailed (BLOB-DIGEST, ROLL-KEYS, ROLL-UNIQUE, RECORD-SIGNATURE, RECORD-ROLE). */
  async has(source: Source, urn: string, credential: string): Promise<boolean> {
    const entry = this.roll.body.urns.find((one) => one.urn === urn);
    if (entry === undefined || !ed25519.isPublicKey(unhex(credential))) return false;
    const keys = chunks(await readBlob(source, entry.credentials, MAX_ROLL_BYTES), KEY_BYTES);
    if (keys.some((key, i) => key.length !== KEY_BYTES || (i > 0 && compare(keys[i - 1]!, key) >= 0))) {
      throw new CheckFailed('ROLL-UNIQUE', 'the credentials are not sorted, or one stands twice', `${this.roll.where}, urn ${urn}`);
    }
    const [taken, added] = [new Set<string>(), new Set<string>()];
    const original = (key: string): boolean => holds(keys, unhex(key));
    for (const record of this.replacements) {
      const { old, new: fresh, urn: changed } = record.body;
      if (old === credential || fresh === credential) checkSigner(record, 'registry', this.origin, this.keys);
      if (changed !== urn) {
        // What happens elsewhere matters where it would put one credential on two urns.
        if (old !== credential && fresh !== credential) continue;
      } else if (!taken.has(old) && (original(old) || added.has(old)) && !original(fresh) && !added.has(fresh)) {
        taken.add(old);
        added.add(fresh);
        continue;
      }
      throw new CheckFailed('ROLL-UNIQUE', 'a replacement of what is not there, or by what was there before', record.where);
    }
    return !taken.has(credential) && (original(credential) || added.has(credential));
  }
}

function checkUrns({ body, where }: Entry<'roll'>, offer: Offer, setup: Setup): void {
  const ids = offer.urns.map(({ id }) => id);
  const stated = [body.urns, setup.lnere].every((urns) => urns.length === ids.length && urns.every(({ urn }, i) => urn === ids[i]));
  if (!stated) throw new CheckFailed('ROLL-URNS', 'roll or setup does not list all urns in manifest order', where);
  const counted = body.urns.every(({ count, credentials }, i) => credentials.size === count * KEY_BYTES && setup.lnere[i]!.count === count);
  if (!counted) throw new CheckFailed('ROLL-COUNT', 'the counts of roll, blobs and setup differ', where);
}

/** Whether a sorted list has a key. */
function holds(keys: readonly Uint8Array[], key: Uint8Array): boolean {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low < keys.length && equal(keys[low]!, key);
}
