/** The page /recibo: find my vote. */

import { parsePolicy, type Policy } from '../../core/index.ts';
import { Refused } from '../../core/errors.ts';
import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { download } from '../kit/api.ts';
import { h } from '../kit/dom.ts';
import { button, field, form, progress, valueOf, wrong } from '../kit/form.ts';
import { isShown, openPage, show, type Screen } from '../kit/page.ts';
import { problemOf, problemView } from '../kit/problem.ts';
import { httpSource } from '../kit/source.ts';
import { check, checkFile, type Archive, type Outcome, type Wanted } from './outcome.ts';
import { bytesOf, codeReader, filePicker, otherHost, wantedOf } from './read.ts';
import { outcomeView, titleOf } from './receipt_view.ts';

const MAX_POLICY_BYTES = 1 << 20;
const MAX_RECEIPT_BYTES = 1 << 17;
let policy: Policy | null = null;

async function archive(tell: (text: string) => void): Promise<Archive> {
  const again = (): void => tell(t('trying-again'));
  if (policy === null) {
    const data = await download('/policy.json', MAX_POLICY_BYTES, again);
    if (data === null) throw new Refused('policy-unusable');
    policy = parsePolicy(data);
  }
  return {
    policy,
    source: httpSource('', again),
    receipt: (leaf) => download(`/receipts/${leaf}`, MAX_RECEIPT_BYTES, again),
    searching: (looked, of) => tell(t('searching-so-far', { percent: Math.floor((100 * looked) / of) })),
  };
}

/** The screen that asks what to look for. */
function ask(): void {
  show({
    title: () => t('find-title'),
    body: () => [
      h('p', {}, t('find-what')),
      form(async () => {
        const wanted = wantedOf(valueOf('tracker'));
        if (wanted === null) return wrong('tracker', t('tracker-mistyped'));
        await look(() => archive(tell).then((from) => check(wanted, from)));
      },
      field({ id: 'tracker', label: t('tracker'), hint: t('tracker-hint'), attributes: { class: 'code', autocomplete: 'off', maxlength: 200 } }),
      h('div', { class: 'acts' }, h('button', { class: 'main', type: 'submit', id: 'look' }, t('find-look')))),
      h('h2', {}, t('find-other-ways')),
      codeReader((text) => {
        const other = otherHost(text, location.host);
        const wanted = other === null ? wantedOf(text) : null;
        if (other !== null) announce(t('code-of-another', { host: other }), true);
        if (wanted !== null) lookFor(wanted);
        return wanted !== null;
      }),
      filePicker('receipt-file', t('receipt-file'), '.tlog-proof', lookInto, t('receipt-file-hint')),
      h('p', { class: 'small' }, t('find-secret')),
    ],
  });
}

const lookFor = (wanted: Wanted): void => void look(() => archive(tell).then((from) => check(wanted, from)));
const lookInto = (file: File): void => void look(async () => checkFile(await bytesOf(file), await archive(tell)));

/** Says what is being done, in place. */
function tell(text: string): void {
  const place = document.getElementById('looking');
  if (place !== null) place.textContent = text;
}

/** Looks, and shows what comes of it. */
async function look(act: () => Promise<Outcome>): Promise<void> {
  const waiting: Screen = { title: () => t('looking-title'), body: () => progress('looking', t('looking')), back: ask };
  show(waiting);
  try {
    const outcome = await act();
    if (isShown(waiting)) tellOutcome(outcome, act);
  } catch (error) {
    if (isShown(waiting)) fail(error, act);
  }
}

function tellOutcome(outcome: Outcome, act: () => Promise<Outcome>): void {
  const ways = { still: true, practice: false, again: ask, retry: () => void look(act), file: lookInto };
  show({ title: () => titleOf(outcome), body: () => outcomeView(outcome, ways), back: ask });
}

function fail(error: unknown, act: () => Promise<Outcome>): void {
  show({
    title: () => t('error'),
    back: ask,
    body: () => problemView(problemOf(error), button(t('again'), () => void look(act), 'main', { id: 'retry' }), button(t('back'), ask, 'plain', { id: 'back' })),
  });
}

openPage();
const linked = location.hash.length > 1 ? wantedOf(location.hash) : null;
if (linked === null) ask();
else lookFor(linked);
addEventListener('hashchange', () => {
  const wanted = wantedOf(location.hash);
  if (wanted !== null) lookFor(wanted);
});
