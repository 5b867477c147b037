/** The one request that casts. Its bytes are kept until the receipt is verified; sending them again changes nothing. */

import { CheckFailed, Refused } from '../../core/errors.ts';
import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { byId, h } from '../kit/dom.ts';
import { button, progress } from '../kit/form.ts';
import { isShown, show, type Screen } from '../kit/page.ts';
import { problemOf, problemView, ServiceRefused, Unreachable } from '../kit/problem.ts';
import type { Booth, Host } from './booth.ts';
import { alarm, type Evidence } from './alarm.ts';
import { showReceipt } from './receipt.ts';
import { failed } from './sealed.ts';
import type { Desk } from '../../worker/protocol.ts';

const UNAUTHORIZED = 401;

/** Signs and sends. */
export async function cast(booth: Booth): Promise<void> {
  try {
    const signed = await booth.desk.ask('sign', null);
    booth.clear();
    booth.host.keep(signed, booth.election.timeline.closes);
    await send(booth.desk, booth.host, signed.entry);
  } catch (error) {
    failed(booth, error);
  }
}

/** Sends a signed ballot, again and again the same one, until there is a receipt or a refusal. */
export async function send(desk: Desk, host: Host, entry: Uint8Array): Promise<void> {
  const working: Screen = { title: () => t('casting-title'), body: () => [progress('casting', t('casting')), h('p', {}, t('casting-stay'))] };
  show(working);
  let answer: unknown;
  try {
    answer = await host.send(entry, () => {
      if (isShown(working)) byId('casting').textContent = t('trying-again');
    });
  } catch (error) {
    // A session that ended meanwhile took the worker along; the ballot is kept for the next one.
    if (!isShown(working)) return;
    if (error instanceof ServiceRefused && error.status === UNAUTHORIZED) return host.signInAgain();
    if (error instanceof Unreachable || (error instanceof ServiceRefused && error.status >= 500)) return lost(desk, host, entry, error);
    host.settled();
    return refused(host, error);
  }
  if (!isShown(working)) return;
  try {
    const receipt = await desk.ask('answer', { answer, entry });
    host.settled();
    showReceipt(desk, host, receipt, 'cast');
    announce(t('receipt-said'));
  } catch (error) {
    if (error instanceof CheckFailed || (error instanceof Refused && error.code === 'receipt-of-another-ballot')) return alarm(host, error, { entry, answer } satisfies Evidence);
    lost(desk, host, entry, error);
  }
}

/** No answer: nobody knows whether the ballot arrived, and nobody needs to. */
function lost(desk: Desk, host: Host, entry: Uint8Array, error: unknown): void {
  const problem = problemOf(error);
  show({
    title: () => t('lost-title'),
    body: () => [
      h('p', {}, t('lost-what')),
      problemView(problem, button(t('lost-again'), () => void send(desk, host, entry), 'main', { id: 'send' })),
      h('p', {}, t('lost-later')),
    ],
  });
}

/** The ballot box does not take the ballot, and says why. */
function refused(host: Host, error: unknown): void {
  const problem = problemOf(error);
  show({ title: () => t('refused-title'), body: () => problemView(problem, button(t('sign-out'), () => host.leave(), 'main', { id: 'leave' })) });
}
