/** The page /practica: a mock election that runs wholly in here, by the steps and with the code of the real one.
 *
 * The page takes the parts of the ballot box and of both auditors with keys that everybody has. Nothing is sent. */

import { CheckFailed, NotFound, Refused } from '../../core/errors.ts';
import { openElection, parsePolicy, unhex, verifyReceiptFile } from '../../core/index.ts';
import { t } from '../../texts/index.ts';
import { LocalDesk } from '../../worker/desk.ts';
import { checkFile, type Outcome } from '../check/outcome.ts';
import { bytesOf as bytesOfFile, filePicker } from '../check/read.ts';
import { outcomeView, titleOf } from '../check/receipt_view.ts';
import { askFingerprint } from '../check/second_device.ts';
import { pause } from '../kit/api.ts';
import { byId, h, type Child } from '../kit/dom.ts';
import { button, progress } from '../kit/form.ts';
import { saveFile } from '../kit/files.ts';
import { bytesOf, challengeLink, fragmentOf, payloadOf } from '../kit/opening.ts';
import { isShown, openPage, show, type Screen } from '../kit/page.ts';
import { problemOf, problemView } from '../kit/problem.ts';
import { Booth, type Host } from '../vote/booth.ts';
import { askCredential } from '../vote/credential.ts';
import { vote } from '../vote/review.ts';
import practiceText from '../../../practice/election.json?raw';
import { PracticeBox } from './box.ts';
import { parsePractice } from './election.ts';

const PAGE = `${location.origin}/practica`;
const RECEIPT = '#recibo.';
const OPENING = '#reto.';
/** Milliseconds after which each auditor cosigns, so that one sees a receipt complete itself. */
const COSIGNS = 2000;

const practice = parsePractice(practiceText);
const policy = parsePolicy(practice.policy);
/** The box of the ballot that was practised last. Each practice begins with an empty one. */
let box = new PracticeBox(practice);

function start(): void {
  show({
    title: () => t('practice-title'),
    body: () => [
      h('p', {}, t('practice-what')),
      h('div', { class: 'acts' }, button(t('practice-begin'), () => void begin(), 'main', { id: 'begin' })),
      h('section', { class: 'note' },
        h('h2', {}, t('practice-different')),
        h('ul', {}, h('li', {}, t('practice-here')), h('li', {}, t('practice-keys')), h('li', {}, t('practice-real'))),
      ),
      h('h2', {}, t('practice-check')),
      h('p', {}, t('practice-check-what')),
      filePicker('receipt-file', t('receipt-file'), '.tlog-proof', (file) => void bytesOfFile(file).then(judge)),
      h('p', {}, t('practice-policy-what')),
      h('div', { class: 'acts' },
        button(t('practice-policy'), () => saveFile('practice-policy.json', 'application/json', practice.policy), 'plain', { id: 'policy' }),
        h('a', { class: 'button', href: '/', id: 'real' }, t('practice-to-real')),
      ),
    ],
  });
}

// --- voting -----------------------------------------------------------------------------------------------------

/** A new practice, from the verification of the election on. */
async function begin(): Promise<void> {
  const mine = (box = new PracticeBox(practice));
  const desk = new LocalDesk({ policy: async () => practice.policy, source: () => mine });
  const working: Screen = { title: () => t('opening-title'), body: () => progress('opening', t('practice-opening')), back: start };
  show(working);
  try {
    // The arithmetic is in this thread, so the words are shown first.
    await pause(50);
    const election = await desk.ask('open', null);
    const urn = await desk.ask('confirm', { urn: practice.voter.urn, credential: mine.voter });
    if (isShown(working)) askCredential(desk, election, urn, () => vote(new Booth(desk, host(mine), election, urn)), { before: offered });
  } catch (error) {
    if (isShown(working)) show({ title: () => t('error'), back: start, body: () => problemView(problemOf(error), button(t('again'), () => void begin(), 'main')) });
  }
}

/** The credential that everybody has, to type or to take over. */
function offered(): Child {
  const take = (): void => {
    const input = byId('credential') as HTMLInputElement;
    input.value = practice.voter.credential;
    input.dispatchEvent(new Event('input'));
    input.focus();
  };
  return h('section', { class: 'card' },
    h('h2', {}, t('practice-credential')),
    h('p', {}, t('practice-credential-how')),
    h('p', { class: 'code center', id: 'practice-credential' }, practice.voter.credential),
    button(t('practice-credential-use'), take, 'plain', { id: 'use' }),
  );
}

function host(mine: PracticeBox): Host {
  return {
    keep: () => undefined,
    send: async (entry) => {
      const answer = mine.cast(entry);
      for (const [place, auditor] of [...policy.witnesses.keys()].entries()) setTimeout(() => mine.cosign(auditor), COSIGNS * (place + 1));
      return answer;
    },
    receipt: async (leaf) => receiptOf(mine, leaf),
    receiptLink: ({ file }) => `${PAGE}${RECEIPT}${fragmentOf(file)}`,
    challengeLink: (payload) => challengeLink(PAGE, payload).replace('#', OPENING),
    fileName: 'SIMULACRO-recibo',
    then: 'practice-then',
    settled: () => undefined,
    signInAgain: start,
    leave: start,
  };
}

function receiptOf(from: PracticeBox, leaf: string): Uint8Array | null {
  try {
    return from.receipt(unhex(leaf));
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}

// --- checking ---------------------------------------------------------------------------------------------------

/** Judges a practice receipt: with the log where it lives in this very page, by itself anywhere else. */
async function judge(file: Uint8Array): Promise<void> {
  const { outcome, still } = await outcomeOf(file);
  const ways = { still, practice: true, again: start, retry: () => void judge(file), file: (other: File) => void bytesOfFile(other).then(judge) };
  show({
    title: () => titleOf(outcome),
    back: start,
    body: () => [!still && outcome.kind === 'found' && h('p', { class: 'small' }, t('practice-check-limit')), outcomeView(outcome, ways)],
  });
}

async function outcomeOf(file: Uint8Array): Promise<{ outcome: Outcome; still: boolean }> {
  try {
    const checked = verifyReceiptFile(file, policy);
    const mine = box;
    if (!mine.has(checked.leaf)) return { outcome: { kind: 'found', checked, receipt: file, now: checked.size }, still: false };
    return { outcome: await checkFile(file, { policy, source: mine, receipt: async (leaf) => receiptOf(mine, leaf) }), still: true };
  } catch (error) {
    if (error instanceof CheckFailed || error instanceof Refused) return { outcome: { kind: 'not-a-receipt', file }, still: false };
    throw error;
  }
}

/** What an address brings along: a receipt, or a ballot that was put to the test. */
function linked(): boolean {
  const { hash } = location;
  if (hash.startsWith(RECEIPT)) {
    void judge(bytesOf(hash.slice(RECEIPT.length)) ?? new Uint8Array(0));
    return true;
  }
  const payload = hash.startsWith(OPENING) ? payloadOf(hash.slice(OPENING.length)) : null;
  if (hash.startsWith(OPENING)) history.replaceState(history.state, '', location.pathname);
  if (payload === null) return false;
  askFingerprint({ election: () => openElection(new PracticeBox(practice), policy), again: start }, payload);
  return true;
}

document.body.classList.add('practice');
openPage({
  prefix: () => `${t('practice-banner')}: `,
  notice: () => h('section', { class: 'mock', 'aria-label': t('practice-banner') }, h('strong', {}, t('practice-banner')), ' ', t('practice-banner-why')),
});
if (!linked()) start();
addEventListener('hashchange', () => void linked());
