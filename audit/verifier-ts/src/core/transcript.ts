/** Fiat-Shamir transcripts: a running SHA-512 over labelled, length-prefixed items. */

import { sha512 } from '@noble/hashes/sha2.js';
import { u32be, u64be, utf8 } from './bytes.js';
import { scalarOfDigest } from './scalar.js';

export class Transcript {
  private constructor(private readonly state: ReturnType<typeof sha512.create>) {}

  static start(name: string, context: Uint8Array): Transcript {
    return new Transcript(sha512.create()).text('domain', `VEMRE-1/${name}`).item('context', context);
  }

  item(label: string, value: Uint8Array): this {
    const name = utf8(label);
    this.state.update(u32be(name.length)).update(name).update(u64be(value.length)).update(value);
    return this;
  }

  text(label: string, value: string): this {
    return this.item(label, utf8(value));
  }

  number(label: string, value: number): this {
    return this.item(label, u64be(value));
  }

  list(label: string, values: readonly Uint8Array[]): this {
    this.number(`${label}/count`, values.length);
    for (const value of values) this.item(label, value);
    return this;
  }

  /** A copy with the same history, so that proofs which share a beginning hash it once. */
  fork(): Transcript {
    return new Transcript(this.state.clone());
  }

  /** The 64-byte seed of the next challenge, which all later challenges then depend on. */
  seed(label: string): Uint8Array {
    this.text('challenge', label);
    const seed = this.state.clone().digest();
    this.item('challenge-value', seed);
    return seed;
  }

  challenge(label: string): bigint {
    return scalarOfDigest(this.seed(label));
  }
}
