/** Fiat-Shamir transcripts. Source: docs/spec/transcripts.md. */

import { sha512 } from '@noble/hashes/sha2.js';
import { concat, u32be, u64be, utf8 } from './bytes.ts';
import { wide } from './scalars.ts';

type State = ReturnType<typeof sha512.create>;

export class Transcript {
  private constructor(private readonly state: State) {}

  /** The transcript of one proof; `context` binds it to one election. */
  static of(proof: string, context: Uint8Array): Transcript {
    return new Transcript(sha512.create()).add('domain', utf8(`VEMRE-1/${proof}`)).add('context', context);
  }

  /** One item. A text goes in as UTF-8, a number as eight bytes. */
  add(label: string, value: Uint8Array | string | number): this {
    const data = typeof value === 'string' ? utf8(value) : typeof value === 'number' ? u64be(value) : value;
    const name = utf8(label);
    this.state.update(concat(u32be(name.length), name, u64be(data.length), data));
    return this;
  }

  /** The item `label/count` and then each value. */
  addList(label: string, values: readonly Uint8Array[]): this {
    this.add(`${label}/count`, values.length);
    for (const value of values) this.add(label, value);
    return this;
  }

  /** The 64-byte challenge value, which the state absorbs. */
  seed(label: string): Uint8Array {
    this.add('challenge', label);
    const digest = this.state.clone().digest();
    this.add('challenge-value', digest);
    return digest;
  }

  /** The challenge value modulo l. */
  challenge(label: string): bigint {
    return wide(this.seed(label));
  }

  /** An independent transcript with the same history. */
  copy(): Transcript {
    return new Transcript(this.state.clone());
  }
}
