import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contest } from '../src/core/bodies.js';
import { utf8 } from '../src/core/bytes.js';
import { type Choice, encodeBlock, readRow } from '../src/core/encoding.js';
import { type Equation, firstBroken } from '../src/core/equations.js';
import { type Element, G, IDENTITY, multiple, sumOfMultiples } from '../src/core/group.js';
import { lagrange } from '../src/core/decryption.js';
import { blocksOf } from '../src/core/manifest.js';
import { countRows } from '../src/core/result.js';
import { L, littleEndian } from '../src/core/scalar.js';
import { randomBytes } from '../src/io/random.js';

const options = ['pan', 'pri', 'prd', 'mc', 'o4', 'o5', 'o6', 'o7', 'o8'].map((id) => ({ id, name: id }));
const contest: Contest = {
  id: 'c', title: { es: 'c', en: 'c' }, legend: '', options, write_in_bytes: 50, blocks: 2,
  coalitions: [{ id: 'fcm', candidate: 'A', members: ['pan', 'pri', 'prd'] }],
};

function row(...bytes: number[]): Uint8Array[] {
  const padded = new Uint8Array(60);
  padded.set(bytes);
  return [padded.slice(0, 30), padded.slice(30)].map((block) => encodeBlock(block).toBytes());
}

const written = (text: string) => row(2, ...utf8(text));

test('rows that are votes', () => {
  const cases: [Uint8Array[], Choice][] = [
    [row(), { kind: 'null' }],
    [row(1, 1), { kind: 'marks', options: [0] }],
    [row(1, 0, 1), { kind: 'marks', options: [8] }],
    [row(1, 0b101), { kind: 'marks', options: [0, 2] }],
    [row(1, 0b111), { kind: 'marks', options: [0, 1, 2] }],
    [written('Benito Juárez'), { kind: 'write-in', text: 'Benito Juárez' }],
    [written('x'.repeat(50)), { kind: 'write-in', text: 'x'.repeat(50) }],
    [written(' '), { kind: 'write-in', text: ' ' }],
  ];
  for (const [elements, choice] of cases) assert.deepEqual(readRow(elements, contest), choice);
});

test('rows that are irregular', () => {
  const good = row(1, 1);
  const odd: Uint8Array[][] = [
    row(3), row(255), row(0, 1), row(1), row(1, 0, 2), row(1, 0, 0, 1), row(1, 0b1001), row(1, 8, 1),
    row(2), written('x'.repeat(51)), written('a\u0000b'), written('\u007f'), written('\u00a0'), written('\u00ad'),
    written('\u0250'), written('e\u0301'), row(2, 0xc3), row(2, 0xc1, 0x81), written('\u{1f600}'),
    [new Uint8Array(32), good[1]!], [good[0]!, IDENTITY.toBytes()], [G.toBytes(), good[1]!],
  ];
  odd.forEach((elements, i) => assert.equal(readRow(elements, contest), null, `row ${i}`));
  assert.equal(readRow(row(2, 65), { ...contest, write_in_bytes: 0 }), null);
});

test('an element with a later counter than the first carries no block', () => {
  const block = new Uint8Array(30);
  for (let counter = 3; counter < 128; counter += 1) {
    const bytes = new Uint8Array(32);
    bytes[0] = 2 * counter;
    bytes.set(block, 1);
    assert.equal(readRow([bytes, row()[1]!], contest), null);
  }
});

test('blocks of a contest', () => {
  const blocks = (count: number, write_in_bytes: number) =>
    blocksOf({ ...contest, options: Array.from({ length: count }, (_, i) => ({ id: `o${i}`, name: '' })), write_in_bytes });
  assert.deepEqual([blocks(0, 0), blocks(232, 0), blocks(233, 0), blocks(1, 29), blocks(1, 30), blocks(9, 50)], [1, 1, 2, 1, 2, 2]);
});

test('counting: the example of the specification', () => {
  const small = { ...contest, options: options.slice(0, 3) };
  const marks = (times: number, ...list: number[]): Choice[] => Array.from({ length: times }, () => ({ kind: 'marks', options: list }));
  const result = countRows('u', small, [...marks(1, 1, 2), ...marks(5, 0), ...marks(3, 1), ...marks(3, 0, 1), null, { kind: 'null' },
    { kind: 'write-in', text: 'z' }, { kind: 'write-in', text: 'é' }, { kind: 'write-in', text: 'a' }]);
  assert.deepEqual(result.options.map(({ votes }) => votes), [5, 3, 0]);
  assert.deepEqual(result.distributed.map(({ votes }) => votes), [7, 5, 0]);
  assert.deepEqual(result.combinations, [
    { coalition: 'fcm', members: ['pan', 'pri'], votes: 3 }, { coalition: 'fcm', members: ['pri', 'prd'], votes: 1 },
  ]);
  assert.deepEqual(result.candidates, [{ id: 'fcm', votes: 12 }]);
  assert.deepEqual(result.write_ins, { votes: 3, texts: ['a', 'z', 'é'] });
  assert.deepEqual([result.rows, result.nulls, result.irregular], [17, 2, [12]]);
});

const random = () => littleEndian(randomBytes(32)) % L;

test('sums of multiples, few and many', () => {
  for (const count of [0, 1, 2, 31, 32, 33, 200]) {
    const factors = Array.from({ length: count }, (_, i) => (i % 5 === 0 ? BigInt(i % 3) - 1n : i % 7 === 0 ? random() >> 124n : random()));
    const points: Element[] = factors.map((_, i) => multiple(G, BigInt(i + 1)));
    const expected = factors.reduce((sum, factor, i) => sum + factor * BigInt(i + 1), 0n);
    assert.ok(sumOfMultiples(points, factors).equals(multiple(G, expected)), `${count}`);
  }
});

test('many equations at once name the first that fails', () => {
  const equations = Array.from({ length: 100 }, (_, label): Equation<number> => {
    const x = random();
    return { label, g: x, elements: [multiple(G, x)], scalars: [-1n] };
  });
  assert.equal(firstBroken(equations, randomBytes), null);
  assert.equal(firstBroken([], randomBytes), null);
  for (const broken of [[0], [99], [37, 38], [12, 80]]) {
    const changed = equations.map((equation, i) => (broken.includes(i) ? { ...equation, g: equation.g + 1n } : equation));
    assert.deepEqual(firstBroken(changed, randomBytes), { label: broken[0] });
  }
  // Faults that cancel without weights do not cancel with them.
  const cancel = equations.map((equation, i) => ({ ...equation, g: equation.g + (i === 3 ? 1n : i === 4 ? -1n : 0n) }));
  assert.deepEqual(firstBroken(cancel, randomBytes), { label: 3 });
});

test('any set of enough trustees finds the same value', () => {
  const [secret, slope] = [random(), random()];
  for (const set of [[1, 2], [1, 3], [2, 3], [5, 7]]) {
    const sum = lagrange(set).reduce((total, factor, i) => total + factor * (secret + slope * BigInt(set[i]!)), 0n);
    assert.equal(sum % L, secret);
  }
});
