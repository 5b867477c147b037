/** The chain of shuffles and their proofs. */

import { type Batch, type Election, elementsAt, failure, placeOf, sameBlob, scalarAt } from './election.js';
import { type Equation, firstBroken } from './equations.js';
import { CheckFailed } from './failure.js';
import { decodeElement, type Element, generators } from './group.js';
import { roleNumber } from './record.js';
import { L, reduce, scalarsFromSeed } from './scalar.js';
import { Transcript } from './transcript.js';
import { inOrder, type Place, type ShuffleTask } from './work.js';

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

function readProof(blob: Uint8Array, n: number, w: number, place: Place): Proof {
  const items = split(blob);
  let at = 0;
  const take = (count: number) => items.slice(at, (at += count));
  const bytes = { C: take(n), D: take(n), T: take(3), T4: take(2 * w), E: take(n) };
  const decode = (name: keyof typeof bytes) =>
    bytes[name].flatMap((item, i) => elementsAt(item, `${name}, number ${i + 1}, part`, place));
  const elements = { C: decode('C'), D: decode('D'), T: decode('T'), T4: decode('T4'), E: decode('E') };
  const scalars = (count: number) => take(count).map((item) => scalarAt(item, 'a response', place));
  return { bytes, ...elements, s: scalars(3), s4: scalars(w), sy: scalars(n), sz: scalars(n) };
}

/** All equations of the proof, each as a sum that must be the identity. */
function equationsOf(p: Proof, y: Element, input: readonly Element[], output: readonly Element[], w: number, u: readonly bigint[], c: bigint): Equation<null>[] {
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
      equation(0n, [...column(output, b), y, p.T4[b]!, ...column(input, b)], [...p.sz, -p.s4[k]!, -1n, ...minusCu]),
    );
  }
  p.D.forEach((d, i) => {
    equations.push(equation(p.sy[i]!, [i === 0 ? h! : p.D[i - 1]!, p.E[i]!, d], [p.sz[i]!, -1n, -c]));
  });
  return equations;
}

/** @throws CheckFailed for a proof that does not verify, or for a malformed value in it or in the output */
export function checkShuffle(task: ShuffleTask, random: (length: number) => Uint8Array): void {
  const { place, rows: n, blocks: w } = task;
  const output = elementsAt(task.output, 'output', place);
  const p = readProof(task.proof, n, w, place);
  const input = elementsAt(task.input, 'input', place);
  const transcript = Transcript.start('shuffle', task.context)
    .text('urn', task.urn).text('contest', task.contest)
    .number('mixer', task.mixer).number('N', n).number('w', w)
    .item('Y', task.jointKey)
    .list('in', split(task.input)).list('out', split(task.output)).list('C', p.bytes.C);
  const u = scalarsFromSeed(transcript.seed('u'), n);
  transcript.list('D', p.bytes.D);
  p.bytes.T.forEach((item, i) => transcript.item(`T${i + 1}`, item));
  const c = transcript.list('T4', p.bytes.T4).list('E', p.bytes.E).challenge('c');
  const equations = equationsOf(p, decodeElement(task.jointKey)!, input, output, w, u, c);
  if (firstBroken(equations, random) !== null) {
    throw new CheckFailed('SHUFFLE', 'the proof does not verify', place.where, place.party);
  }
}

/** The ciphertexts that a batch has now: the last output, or the ballots. */
export const currentCiphertexts = (e: Election, batch: Batch): Uint8Array => e.mixed.get(keyOf(batch)) ?? batch.input;

/** [SHUFFLE] of every record, with [ELEMENT], [IDENTITY] and [SCALAR] of its blobs. */
export async function shuffles(e: Election): Promise<boolean> {
  const records = e.all('shuffle');
  const proofs = records.filter(({ body }) => body.proof !== null);
  async function* tasks(): AsyncGenerator<ShuffleTask> {
    for (const shuffle of proofs) {
      const { urn, contest, output, proof } = shuffle.body;
      const [place, batch] = [placeOf(shuffle), e.batch(urn, contest)!];
      const input = currentCiphertexts(e, batch);
      const bytes = await e.readBlob(output, place);
      // The next shuffle of the batch takes this output on trust: if this one is bad, nobody hears of the next.
      e.mixed.set(keyOf(batch), bytes);
      yield {
        kind: 'shuffle', place, context: e.context()!, jointKey: e.jointKey().toBytes(), urn, contest,
        mixer: roleNumber(shuffle.signer, 'mixer')!, rows: batch.rows.length, blocks: batch.contest.blocks,
        input, output: bytes, proof: await e.readBlob(proof!, place),
      };
    }
  }
  let done = 0;
  await inOrder(e.host, tasks(), () => e.host.progress('SHUFFLE', (done += 1), proofs.length));
  return records.length > 0;
}
