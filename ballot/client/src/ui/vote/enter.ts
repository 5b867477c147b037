/** From signed in to the first paper: is there a ballot that waits, is there a vote already, is the election sound. */

import { t } from '../../texts/index.ts';
import type { ElectionSeen, Progress } from '../../worker/protocol.ts';
import { h, type Child } from '../kit/dom.ts';
import { button, progress } from '../kit/form.ts';
import { isShown, show, type Screen } from '../kit/page.ts';
import { problemOf, problemView } from '../kit/problem.ts';
import { timeHere, timeInMexico } from '../kit/words.ts';
import { Booth, type Host } from './booth.ts';
import { send } from './casting.ts';
import { askCredential } from './credential.ts';
import { kept } from './kept.ts';
import { passkeyOffer } from './passkey.ts';
import { findReceipt } from './receipt.ts';
import { vote } from './review.ts';
import { timeNow, type Account } from './session.ts';
import type { Voter } from './voter.ts';

/** Goes on with whatever is due for an account. */
export function enter(voter: Voter, account: Account): void {
  const host = voter.host(account);
  const waiting = kept(account.credential, timeNow());
  if (waiting !== null) return resend(voter, host, waiting.entry);
  if (account.voted !== null) return void voted(voter, host, account.voted.leaf_hash);
  void open(voter, host, account);
}

/** A ballot was signed and sent, and no receipt came. */
function resend(voter: Voter, host: Host, entry: Uint8Array): void {
  show({
    title: () => t('resend-title'),
    body: () => [
      h('p', {}, t('resend-what')),
      h('p', {}, t('resend-same')),
      h('div', { class: 'acts' }, button(t('resend'), () => void send(voter.desk, host, entry), 'main', { id: 'send' })),
    ],
  });
}

/** The account has voted already: its receipt, as often as the voter likes. */
async function voted(voter: Voter, host: Host, leaf: string): Promise<void> {
  const working: Screen = { title: () => t('voted-title'), body: () => progress('working', t('working')) };
  show(working);
  try {
    await findReceipt(voter.desk, host, leaf);
  } catch (error) {
    if (isShown(working)) stopped(error, () => void voted(voter, host, leaf), host);
  }
}

/** Loads and verifies the election and the voter's place in it; nothing is asked for after that. */
async function open(voter: Voter, host: Host, account: Account): Promise<void> {
  let progressNow: Progress = { step: 'setup', bytes: 0 };
  const working: Screen = {
    title: () => t('opening-title'),
    body: (): Child => [progress('opening', said(progressNow)), h('p', {}, t('opening-what'))],
  };
  const told = (next: Progress): void => {
    progressNow = next;
    const element = document.getElementById('opening');
    if (element !== null && element.textContent !== said(next)) element.textContent = said(next);
  };
  show(working);
  try {
    const election = await voter.election(told);
    if (!isShown(working)) return;
    const [opens, closes] = [Date.parse(election.timeline.opens), Date.parse(election.timeline.closes)];
    if (timeNow() < opens) return closed(host, 'not-yet', election.timeline.opens);
    if (timeNow() >= closes) return closed(host, 'closed', election.timeline.closes);
    const urn = await voter.desk.ask('confirm', { urn: account.urn, credential: account.credential }, told);
    if (isShown(working)) askCredential(voter.desk, election, urn, () => vote(new Booth(voter.desk, host, election, urn)), { after: passkeyOffer });
  } catch (error) {
    if (isShown(working)) stopped(error, () => void open(voter, host, account), host);
  }
}

/** It is not the time to vote. */
function closed(host: Host, why: 'not-yet' | 'closed', time: ElectionSeen['timeline']['opens']): void {
  show({
    title: () => t(`${why}-title`),
    body: () => [
      h('section', { class: 'card', 'data-code': why },
        h('p', {}, t(`${why}-when`)),
        h('dl', { class: 'facts' }, h('dt', {}, t('time-here')), h('dd', {}, timeHere(time)), h('dt', {}, t('time-mexico')), h('dd', {}, timeInMexico(time))),
      ),
      h('p', {}, t(`${why}-next`)),
      why === 'not-yet' && passkeyOffer(),
      h('div', { class: 'acts' }, button(t('sign-out'), () => host.leave(), 'main', { id: 'leave' })),
    ],
  });
}

/** It cannot go on, or not now. */
function stopped(error: unknown, again: () => void, host: Host): void {
  const problem = problemOf(error);
  show({
    title: () => t('stopped-title'),
    body: () => [
      problemView(problem, button(t('again'), again, 'main', { id: 'again' })),
      h('p', {}, t('stopped-safe')),
      h('div', { class: 'acts' }, button(t('sign-out'), () => host.leave(), 'plain', { id: 'leave' })),
    ],
  });
}

function said({ step, bytes }: Progress): string {
  if (step === 'again') return t('trying-again');
  return t(step === 'setup' ? 'opening-setup' : 'opening-roll', { kilobytes: Math.ceil(bytes / 1024) });
}
