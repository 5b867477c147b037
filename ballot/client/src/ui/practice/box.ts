/** A ballot box that lives in the page: it takes the practice voter's ballot as the real one takes a voter's, and both
 * practice auditors cosign. All its keys are public, so nothing that it signs proves anything. */

import { base64, concat, equal, hex, u64be, unhex, utf8 } from '../../core/bytes.ts';
import { ballot } from '../../core/bodies.ts';
import { parseCredential, publicCredential } from '../../core/credential.ts';
import * as ed25519 from '../../core/ed25519.ts';
import { CheckFailed, NotFound, Refused } from '../../core/errors.ts';
import { hex64, number, struct, text } from '../../core/fields.ts';
import { parseCanonical, type Json } from '../../core/json.ts';
import { checkpointText, type Vkey } from '../../core/note.ts';
import { parsePolicy, type Policy } from '../../core/policy.ts';
import { MAX_ENTRY_BYTES } from '../../core/reader.ts';
import { signedBytes } from '../../core/record.ts';
import type { LogName, Source } from '../../core/source.ts';
import { shown } from '../../core/tracker.ts';
import type { PracticeElection } from './election.ts';
import { MemoryLog } from './log.ts';

const TYPE = 'ballot';
const ballotRecord = struct({ body: ballot, log: text, signature: hex64, signer: text, type: text, version: number });

/** What the ballot box answers to a ballot, as `POST /ballots` does. */
export interface PracticeAnswer {
  readonly index: number;
  readonly leaf_hash: string;
  readonly tracker: string;
  readonly receipt: string;
}

export class PracticeBox implements Source {
  readonly policy: Policy;
  readonly #election: PracticeElection;
  readonly #now: () => number;
  readonly #ballots: MemoryLog;
  readonly #others: Readonly<Record<'registry' | 'tally', MemoryLog>>;
  /** Signature lines by auditor, for the log as it stands. */
  #cosignatures = new Map<string, string>();
  /** The one public credential on the roll, as hex. */
  readonly voter: string;
  #voted: { readonly entry: Uint8Array; readonly answer: PracticeAnswer } | null = null;

  /** `now` gives milliseconds since 1970. */
  constructor(election: PracticeElection, now: () => number = Date.now) {
    this.policy = parsePolicy(election.policy);
    this.#election = election;
    this.#now = now;
    const id = this.policy.logs.ballot.name.split('/')[1]!;
    this.voter = publicCredential(parseCredential(election.voter.credential), id);
    this.#ballots = new MemoryLog(election.entries.ballot);
    this.#others = { registry: new MemoryLog(election.entries.registry), tally: new MemoryLog(election.entries.tally) };
    this.cosign();
  }

  /** See `Source`: the three logs and their blobs. */
  async get(path: string, log: LogName | 'blob'): Promise<Uint8Array> {
    if (log === 'blob') {
      const blob = this.#election.blobs.get(path);
      if (blob === undefined) throw new NotFound(`blob/${path}`);
      return blob;
    }
    if (path !== 'checkpoint' && path !== 'cosigned') return (log === 'ballot' ? this.#ballots : this.#others[log]).tile(path);
    return log === 'ballot' ? utf8(this.#checkpoint()) : this.#election.checkpoints[log];
  }

  /** Takes a ballot; the same bytes again get the same answer. The receipt has the log's signature alone, as yet.
   *
   * Throws CheckFailed, Refused("other-credential"), Refused("already-voted"). */
  cast(entry: Uint8Array): PracticeAnswer {
    this.#check(entry);
    if (this.#voted !== null) {
      if (equal(this.#voted.entry, entry)) return this.#voted.answer;
      throw new Refused('already-voted');
    }
    const index = this.#ballots.append(entry);
    this.#cosignatures = new Map();
    const leaf = this.#ballots.leaf(index);
    const answer = { index, leaf_hash: hex(leaf), tracker: shown(leaf), receipt: this.#receipt(index) };
    this.#voted = { entry: Uint8Array.from(entry), answer };
    return answer;
  }

  /** One auditor cosigns the log as it stands (both, where none is named). */
  cosign(auditor?: string): void {
    const text = this.#text();
    for (const [name, keys] of this.policy.witnesses) {
      if (auditor === undefined || auditor === name) this.#cosignatures.set(name, this.#cosignature(keys[0]!, text));
    }
  }

  /** Whether an entry with this leaf hash is in its log. */
  has(leaf: Uint8Array): boolean {
    return this.#place(leaf) !== null;
  }

  /** The receipt of a ballot with the cosignatures that there are by now. Throws NotFound. */
  receipt(leaf: Uint8Array): Uint8Array {
    const index = this.#place(leaf);
    if (index === null) throw new NotFound(hex(leaf));
    return utf8(this.#receipt(index));
  }

  #place(leaf: Uint8Array): number | null {
    for (let index = 0; index < this.#ballots.size; index++) {
      if (equal(this.#ballots.leaf(index), leaf)) return index;
    }
    return null;
  }

  /** What the real ballot box checks too, but for the proofs in the ballot. */
  #check(entry: Uint8Array): void {
    const { body, log, signature, signer, type, version } = ballotRecord(parseCanonical(entry, MAX_ENTRY_BYTES));
    if (type !== TYPE || version !== 1 || log !== this.policy.logs.ballot.name) {
      throw new CheckFailed('RECORD-ROLE', 'no ballot of the practice election');
    }
    if (signer !== this.voter) throw new Refused('other-credential');
    if (!ed25519.verify(unhex(signer), signedBytes(body as unknown as Json, log, signer, type), unhex(signature))) {
      throw new CheckFailed('RECORD-SIGNATURE', 'the signature of this ballot does not verify');
    }
  }

  #text(): string {
    return checkpointText(this.policy.logs.ballot.name, this.#ballots.size, this.#ballots.root());
  }

  /** The signed checkpoint of the log as it stands, with the cosignatures that there are. */
  #checkpoint(): string {
    const text = this.#text();
    const own = line(this.policy.logs.ballot, ed25519.sign(this.#election.logSeed, utf8(text)));
    return `${text}\n${own}${[...this.#cosignatures.values()].join('')}`;
  }

  #cosignature(key: Vkey, text: string): string {
    const time = Math.floor(this.#now() / 1000);
    const signature = ed25519.sign(this.#election.auditorSeeds.get(key.name)!, utf8(`cosignature/v1\ntime ${time}\n${text}`));
    return line(key, concat(u64be(time), signature));
  }

  #receipt(index: number): string {
    const lines = [
      'c2sp.org/tlog-proof@v1', `extra ${base64(this.#ballots.leaf(index))}`, `index ${index}`, ...this.#ballots.inclusion(index).map(base64),
    ];
    return `${lines.join('\n')}\n\n${this.#checkpoint()}`;
  }
}

function line(key: Vkey, signature: Uint8Array): string {
  return `\u2014 ${key.name} ${base64(concat(key.id, signature))}\n`;
}
