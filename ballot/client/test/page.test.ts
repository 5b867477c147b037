/** What the pages decide without a browser: marks on a paper, the session's clock, texts, files kept on the device. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Choices } from '../src/core/choice.ts';
import { CheckFailed, NotFound, Refused } from '../src/core/errors.ts';
import { setLanguage, t, TEXTS, isKey } from '../src/texts/index.ts';
import { problemOf, ServiceRefused, Unreachable } from '../src/ui/kit/problem.ts';
import { addressOf } from '../src/ui/kit/source.ts';
import { plain } from '../src/ui/kit/words.ts';
import { strengthOf } from '../src/ui/access/password.ts';
import { clockOf, remaining, serviceTime, stageOf } from '../src/ui/vote/clock.ts';
import { keep, kept, letGo } from '../src/ui/vote/kept.ts';
import { choiceOf, EMPTY, isConflict, marked, only, touch, type Box, type Paper } from '../src/ui/vote/marks.ts';
import { errorOf, failureOf } from '../src/worker/protocol.ts';

const option = (index: number) => ({ index, id: `o${index}`, name: `Name ${index}`, party: null, emblem: null });
/** 0 and 1 are one coalition, 2, 3 and 4 another, 5 stands alone. */
const choices: Choices = {
  options: [0, 1, 2, 3, 4, 5].map(option),
  coalitions: [{ id: 'a', candidate: 'A', options: [0, 1] }, { id: 'b', candidate: 'B', options: [2, 3, 4] }],
  writeInBytes: 40,
};

function after(...boxes: Box[]): Paper {
  return boxes.reduce((paper: Paper, box) => {
    const next = touch(choices, paper, box);
    assert.ok(!isConflict(next), `${box}`);
    return next;
  }, EMPTY);
}

test('nothing is marked at the beginning, and nothing is a choice', () => {
  assert.deepEqual(marked(EMPTY), []);
  assert.equal(choiceOf(EMPTY), null);
});

test('marks: one option, or several of one coalition in any order', () => {
  assert.deepEqual(choiceOf(after(5)), { kind: 'marks', options: [5] });
  assert.deepEqual(choiceOf(after(1, 0)), { kind: 'marks', options: [0, 1] });
  assert.deepEqual(choiceOf(after(4, 2, 3)), { kind: 'marks', options: [2, 3, 4] });
  assert.deepEqual(choiceOf(after(4, 2, 4)), { kind: 'marks', options: [2] });
  assert.equal(choiceOf(after(5, 5)), null);
});

test('what does not go together is not marked, and it is said with what it does not go', () => {
  for (const [boxes, box, against] of [
    [[0], 5, [0]], [[0, 1], 2, [0, 1]], [[5], 0, [5]], [[2, 3], 1, [2, 3]],
  ] as [number[], number, number[]][]) {
    assert.deepEqual(touch(choices, after(...boxes), box), { why: 'no-coalition', box, against });
  }
  for (const [boxes, box] of [[[0, 1], 'null'], [[0], 'write-in'], [['null'], 0], [['null'], 'write-in'], [['write-in'], 5], [['write-in'], 'null']] as [Box[], Box][]) {
    assert.deepEqual(touch(choices, after(...boxes), box), { why: 'alone', box, against: boxes });
  }
});

test('a change of mind takes everything else away, and keeps what was written', () => {
  const written = { ...after('write-in'), written: ' Ana  Ruiz\u0301 ' };
  assert.deepEqual(choiceOf(written), { kind: 'write-in', text: 'Ana  Ruiź' });
  assert.deepEqual(choiceOf(only(written, 3)), { kind: 'marks', options: [3] });
  assert.deepEqual(choiceOf(only(written, 'null')), { kind: 'null' });
  assert.deepEqual(choiceOf(only(only(written, 'null'), 'write-in')), { kind: 'write-in', text: 'Ana  Ruiź' });
});

test('the clock follows the service, not the device', () => {
  const clock = clockOf({ expires: '2027-06-06T12:30:00Z', now: '2027-06-06T12:00:00Z' }, 5_000);
  assert.equal(remaining(clock, 5_000), 1800);
  assert.equal(remaining(clock, 5_000 + 1_499_001), 301);
  assert.equal(serviceTime(clock, 6_000), Date.parse('2027-06-06T12:00:01Z'));
  assert.equal(remaining(clock, 5_000 + 3_600_000), 0);
  assert.deepEqual([1800, 301, 300, 61, 60, 1, 0, -5].map(stageOf), ['calm', 'calm', 'warning', 'warning', 'last', 'last', 'over', 'over']);
  assert.throws(() => clockOf({ expires: 'soon', now: '2027-06-06T12:00:00Z' }, 0), RangeError);
});

test('both languages have the same texts with the same values, and Spanish is spoken first', () => {
  const values = (text: string): string[] => [...text.matchAll(/\{[a-z_]+\}/g)].map(String).sort();
  assert.deepEqual(Object.keys(TEXTS.en).sort(), Object.keys(TEXTS.es).sort());
  for (const [key, text] of Object.entries(TEXTS.es)) {
    assert.ok(text.trim() !== '' && text === text.trim(), key);
    assert.deepEqual(values(TEXTS.en[key as keyof typeof TEXTS.en]), values(text), key);
    if (key.endsWith('-title') && isKey(key.replace(/-title$/, '-detail'))) assert.ok(isKey(key.replace(/-title$/, '-next')), key);
  }
  assert.equal(t('sign-in'), 'Entrar');
  setLanguage('en');
  assert.equal(t('session-minutes', { minutes: 4 }), 'You have 4 minutes left.');
  assert.throws(() => t('session-minutes'), RangeError);
  setLanguage('es');
});

test('every refusal of the core has words', () => {
  for (const code of [
    'credential-mistyped', 'credential-not-on-roll', 'credential-of-another', 'no-setup', 'not-cosigned-yet', 'ballot-spent', 'receipt-of-another-ballot',
  ]) {
    const { title, detail, next } = problemOf(new Refused(code));
    assert.notEqual(title, TEXTS.es['broken-title'], code);
    assert.ok(detail !== '' && next !== '');
  }
});

test('problems: the words of the service in the language of the page, without tricks; never those of a stranger', () => {
  const words = { title: 'T', detail: 'D\u202e', next: 'N' };
  const said = new ServiceRefused(409, { code: 'already-voted', es: words, en: { ...words, title: 'E' } });
  assert.deepEqual(problemOf(said), { code: 'already-voted', title: 'T', detail: 'D\ufffd', next: 'N' });
  for (const strange of [null, 'x', [], { code: '<b>', es: 'no' }, { es: { title: 1 } }]) {
    const { code, title } = problemOf(new ServiceRefused(502, strange));
    assert.deepEqual([code, title], ['http-502', TEXTS.es['server-title']]);
  }
  assert.equal(problemOf(new Unreachable()).code, 'unreachable');
  assert.match(problemOf(new CheckFailed('NOTE', 'x', 'tally/checkpoint')).detail, /NOTE/);
  assert.equal(problemOf(new TypeError('x')).title, TEXTS.es['broken-title']);
});

test('errors pass from the worker to the page as they are', () => {
  for (const error of [new CheckFailed('LOG', 'x', 'y'), new Refused('no-setup', { a: 1 }), new ServiceRefused(503, { code: 'unavailable' }), new Unreachable(), new NotFound('z')]) {
    const passed = errorOf(structuredClone(failureOf(error)));
    assert.equal(passed.constructor, error.constructor);
    assert.deepEqual(problemOf(passed), problemOf(error));
  }
  assert.ok(!JSON.stringify(failureOf(new Error('secret'))).includes('secret'), 'what is not foreseen is not repeated');
});

test('texts from outside cannot turn the direction of writing or hide letters', () => {
  assert.equal(plain('A\u202eB\u200bC\u0007D\u2066'), 'A\ufffdB\ufffdC\ufffdD\ufffd');
  assert.equal(plain('Ñandú Q\u2019eqchi\u2019'), 'Ñandú Q\u2019eqchi\u2019');
});

test('where files of the logs are', () => {
  assert.equal(addressOf('cosigned', 'ballot'), '/log/cosigned?size=1');
  assert.equal(addressOf('tile/0/000', 'ballot'), '/log/tile/0/000');
  assert.equal(addressOf('cosigned', 'tally'), '/mirror/tally/cosigned');
  assert.equal(addressOf('ab', 'blob'), '/blob/ab');
});

test('the strength of a password is its length', () => {
  assert.deepEqual(['', 'a'.repeat(11), 'a'.repeat(12), 'a'.repeat(16), 'a'.repeat(20)].map((text) => strengthOf(text).level), [
    'short', 'short', 'enough', 'good', 'better',
  ]);
  assert.equal(strengthOf('ñandú').missing, 7);
});

test('a ballot is kept for its voter alone, until it is settled or out of date', () => {
  const held = new Map<string, string>();
  const storage = {
    getItem: (key: string) => held.get(key) ?? null, setItem: (key: string, value: string) => held.set(key, value), removeItem: (key: string) => held.delete(key),
    key: (i: number) => [...held.keys()][i] ?? null, get length() { return held.size; },
  };
  held.set('of somebody else', 'x');
  Object.defineProperty(globalThis, 'localStorage', { value: storage, configurable: true });
  const ballot = { credential: 'aa', closes: '2027-06-06T18:00:00Z', entry: Uint8Array.of(1, 2, 255) };
  const before = Date.parse('2027-06-06T17:00:00Z');
  assert.ok(keep(ballot));
  assert.deepEqual(kept('aa', before), ballot);
  assert.equal(kept('bb', before), null);
  keep({ ...ballot, credential: 'bb' });
  letGo('bb');
  assert.deepEqual(kept('aa', before), ballot, "one voter's ballot does not touch another's");
  assert.equal(kept('bb', before + 26 * 3600 * 1000), null);
  assert.deepEqual([...held.keys()], ['of somebody else']);
  for (const strange of ['{', 'null', '{"entry":"*","closes":"x"}', '[]']) {
    held.set('vemre-ballot-aa', strange);
    assert.equal(kept('aa', before), null, strange);
    assert.equal(held.size, 1);
  }
  Object.defineProperty(globalThis, 'localStorage', { get: () => { throw new Error('forbidden'); }, configurable: true });
  assert.equal(keep(ballot), false);
  assert.equal(kept('aa', before), null);
  letGo('aa');
});
