/** The chain of shuffles and their proofs. */

import {
  type Batch, type Ciphertexts, type Election, elementsAt, failure, placeOf, sameBlob, scalarAt,
} from './election.js';
import { type Equation, firstBroken } from './equations.js';
import { type Element, generators } from './group.js';
import { type Entry, roleNumber } from './record.js';
import { L, reduce, scalarsFromSeed } from './scalar.js';
import { Transcript } from './transcript.js';

export const batchKey = (record: { urn: string; contest: string }): string => `${record.urn}/${record.contest}`;

const keyOf = (batch: Batch): string => batchKey({ urn: batch.urn.id, contest: batch.contest.id });

/** [MIX-CHAIN] */
export function mixChain(e: Election): boolean {
  const mixers = new Set<string>();
  for (const shuffle of e.all('shuffle')) {
    const fail = (detail: string) => failure('MIX-CHAIN', detail, shuffle);
    const { urn, contest, output, proof } = shuffle.body;
    const batch = e.batch(urn, contest)!;
    const key = `${shuffle.signer} ${batchKey(shuffle.body)}`;
    if (mixers.has(key)) throw fail('the mixer has mixed this batch before');
    mixers.add(key);
    const passes = batch.rows.length < 2;
    if (passes !== (proof === null)) throw fail(passes ? 'a proof without two rows' : 'no proof');
    if (passes && !sameBlob(output, batch.inputRef)) throw fail('the output is not the input');
  }
  return e.has('shuffle');
}

/** [MIX-COUNT] */
export function mixCount(e: Election): boolean {
  const first = e.logs.tally.find(({ type }) => ['decryption', 'result-batch', 'result'].includes(type));
  if (first === undefined) return false;
  for (const batch of e.batches()) {
    const count = e.all('shuffle').filter(({ body }) => batchKey(body) === keyOf(batch)).length;
    if (count < e.manifest.policy.mixers) {
      throw failure('MIX-COUNT', `batch ${keyOf(batch)} went through ${count} mixers`, first, 'tally');
    }
  }
  return true;
}

const proofSize = (rows: number, blocks: number): number => 32 * (5 * rows + 3 * blocks + 6);

/** [SHUFFLE-LENGTH] */
export function shuffleLength(e: Election): boolean {
  for (const shuffle of e.all('shuffle')) {
    const { urn, contest, output, proof } = shuffle.body;
    const { rows, contest: { blocks } } = e.batch(urn, contest)!;
    const right = output.size === 64 * blocks * rows.length && (proof === null || proof.size === proofSize(rows.length, blocks));
    if (!right) throw failure('SHUFFLE-LENGTH', 'a blob of another length', shuffle);
  }
  return e.has('shuffle');
}

/** A shuffle proof, decoded. */
interface Proof {
  readonly bytes: Record<'C' | 'D' | 'T' | 'T4' | 'E', Uint8Array[]>;
  readonly C: Element[];
  readonly D: Element[];
  readonly T: Element[];
  readonly T4: Element[];
  readonly E: Element[];
  readonly s: bigint[];
  readonly s4: bigint[];
  readonly sy: bigint[];
  readonly sz: bigint[];
}

const split = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * (i + 1)));

function readProof(blob: Uint8Array, n: number, w: number, shuffle: Entry): Proof {
  const items = split(blob);
  let at = 0;
  const take = (count: number) => items.slice(at, (at += count));
  const bytes = { C: take(n), D: take(n), T: take(3), T4: take(2 * w), E: take(n) };
  const place = placeOf(shuffle);
  const decode = (name: keyof typeof bytes) =>
    bytes[name].flatMap((item, i) => elementsAt(item, `${name}, number ${i + 1}, part`, place));
  const elements = { C: decode('C'), D: decode('D'), T: decode('T'), T4: decode('T4'), E: decode('E') };
  const scalars = (count: number) => take(count).map((item) => scalarAt(item, 'a response', place));
  return { bytes, ...elements, s: scalars(3), s4: scalars(w), sy: scalars(n), sz: scalars(n) };
}

/** All equations of the proof, each as a sum that must be the identity. */
function equationsOf(e: Election, p: Proof, input: readonly Element[], output: readonly Element[], w: number, u: readonly bigint[], c: bigint): Equation<null>[] {
  const n = p.C.length;
  const [h, ...hs] = generators(n);
  const [t1, t2, t3] = p.T;
  const ones = <T>(items: readonly T[], factor: bigint) => items.map(() => factor);
  const column = (list: readonly Element[], offset: number) => Array.from({ length: n }, (_, i) => list[2 * w * i + offset]!);
  const product = u.reduce((all, factor) => (all * factor) % L, 1n);
  const equation = (g: bigint, elements: Element[], scalars: bigint[]): Equation<null> => ({ label: null, g, elements, scalars });
  const equations = [
    equation(p.s[0]!, [t1!, ...p.C, ...hs], [-1n, ...ones(p.C, -c), ...ones(hs, c)]),
    equation(p.s[1]!, [t2!, p.D[n - 1]!, h!], [-1n, -c, reduce(c * product)]),
    equation(p.s[2]!, [...hs, t3!, ...p.C], [...p.sz, -1n, ...u.map((factor) => reduce(-c * factor))]),
  ];
  const minusCu = u.map((factor) => reduce(-c * factor));
  for (let k = 0; k < w; k += 1) {
    const [a, b] = [2 * k, 2 * k + 1];
    equations.push(
      equation(-p.s4[k]!, [...column(output, a), p.T4[a]!, ...column(input, a)], [...p.sz, -1n, ...minusCu]),
      equation(0n, [...column(output, b), e.jointKey(), p.T4[b]!, ...column(input, b)], [...p.sz, -p.s4[k]!, -1n, ...minusCu]),
    );
  }
  p.D.forEach((d, i) => {
    equations.push(equation(p.sy[i]!, [i === 0 ? h! : p.D[i - 1]!, p.E[i]!, d], [p.sz[i]!, -1n, -c]));
  });
  return equations;
}

function verifyProof(e: Election, shuffle: Entry<'shuffle'>, batch: Batch, input: Ciphertexts, output: Ciphertexts, blob: Uint8Array): boolean {
  const [n, w] = [batch.rows.length, batch.contest.blocks];
  const p = readProof(blob, n, w, shuffle);
  const transcript = Transcript.start('shuffle', e.context()!)
    .text('urn', batch.urn.id).text('contest', batch.contest.id)
    .number('mixer', roleNumber(shuffle.signer, 'mixer')!).number('N', n).number('w', w)
    .item('Y', e.jointKey().toBytes())
    .list('in', split(input.bytes)).list('out', split(output.bytes)).list('C', p.bytes.C);
  const u = scalarsFromSeed(transcript.seed('u'), n);
  transcript.list('D', p.bytes.D);
  p.bytes.T.forEach((item, i) => transcript.item(`T${i + 1}`, item));
  const c = transcript.list('T4', p.bytes.T4).list('E', p.bytes.E).challenge('c');
  return firstBroken(equationsOf(e, p, input.elements, output.elements, w, u, c), e.host.random) === null;
}

/** The ciphertexts that a batch has now: the last verified output, or the ballots. */
export function currentCiphertexts(e: Election, batch: Batch): Ciphertexts {
  const known = e.mixed.get(keyOf(batch));
  if (known !== undefined) return known;
  const place = { where: 'ballot', party: 'ballot-box' };
  const fresh = { bytes: batch.input, elements: elementsAt(batch.input, 'element', place) };
  e.mixed.set(keyOf(batch), fresh);
  return fresh;
}

/** [SHUFFLE] of every record, with [ELEMENT], [IDENTITY] and [SCALAR] of its blobs. */
export async function shuffles(e: Election): Promise<boolean> {
  const records = e.all('shuffle');
  for (const [done, shuffle] of records.entries()) {
    e.host.progress('SHUFFLE', done, records.length);
    const { urn, contest, output, proof } = shuffle.body;
    if (proof === null) continue;
    const batch = e.batch(urn, contest)!;
    const bytes = await e.readBlob(output, placeOf(shuffle));
    const mixed = { bytes, elements: elementsAt(bytes, 'output', placeOf(shuffle)) };
    const blob = await e.readBlob(proof, placeOf(shuffle));
    if (!verifyProof(e, shuffle, batch, currentCiphertexts(e, batch), mixed, blob)) {
      throw failure('SHUFFLE', 'the proof does not verify', shuffle);
    }
    e.mixed.set(batchKey(shuffle.body), mixed);
  }
  return records.length > 0;
}
