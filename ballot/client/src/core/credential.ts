/** The voter's secret of 128 bits and the Ed25519 key that it gives. Source: docs/spec/credential.md. */

import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, hex, utf8, wipe } from './bytes.ts';
import * as crockford from './crockford.ts';
import { publicKey } from './ed25519.ts';
import { Refused } from './errors.ts';

const SECRET_BYTES = 16;
const SECRET_SYMBOLS = 26;
const CHECK_SYMBOLS = 2;

/** The 16 bytes of a credential that a voter typed. Throws Refused("credential-mistyped"), which repeats nothing. */
export function parseCredential(text: string): Uint8Array {
  const symbols = crockford.values(crockford.normalise(text));
  if (symbols?.length !== SECRET_SYMBOLS + CHECK_SYMBOLS || symbols[0]! > 7) throw new Refused('credential-mistyped');
  const secret = crockford.toBytes(symbols.slice(0, SECRET_SYMBOLS), SECRET_BYTES);
  const expected = crockford.values(checkSymbols(secret))!;
  const differences = expected.reduce((sum, value, index) => sum | (value ^ symbols[SECRET_SYMBOLS + index]!), 0);
  symbols.fill(0);
  if (differences !== 0) {
    wipe(secret);
    throw new Refused('credential-mistyped');
  }
  return secret;
}

/** The public credential, as hex. `secret` stays as it is. */
export function publicCredential(secret: Uint8Array, electionId: string): string {
  const seed = seedOf(secret, electionId);
  const found = hex(publicKey(seed));
  wipe(seed);
  return found;
}

/** The Ed25519 seed of a credential in one election. The caller wipes it. */
export function seedOf(secret: Uint8Array, electionId: string): Uint8Array {
  if (secret.length !== SECRET_BYTES || electionId.length !== 36) throw new RangeError('16 bytes, and an election id');
  return hkdf(sha256, secret, utf8(electionId), utf8('VEMRE-1/credential'), 32);
}

function checkSymbols(secret: Uint8Array): string {
  return crockford.encodeBits(sha256(concat(utf8('VEMRE-1/credential-check'), secret)), CHECK_SYMBOLS);
}
