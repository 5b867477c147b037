/** The voter's session: what the ballot box says of it, its clock on the page, its end. */

import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { call } from '../kit/api.ts';
import { byId, fill, h, type Child } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { ServiceRefused } from '../kit/problem.ts';
import { clockOf, remaining, serviceTime, stageOf, type Clock } from './clock.ts';

const UNAUTHORIZED = 401;
const TICK = 1000;
/** Whether there may be a session: its token is in a cookie, which no script reads. */
const HINT = 'vemre-session';

/** `credential` is the public one, as hex; `voted` is the ballot that was cast, if any. */
export interface Account {
  readonly user: string;
  readonly urn: string;
  readonly credential: string;
  readonly voted: { readonly tracker: string; readonly leaf_hash: string } | null;
}

interface Times {
  readonly expires: string;
  readonly now: string;
}

let clock: Clock | null = null;
let timer = 0;
let told: ReturnType<typeof stageOf> = 'calm';
let over: () => void = () => undefined;

/** Notes that there is a session now. */
export function expectSession(): void {
  hint('1');
}

/** The account that is signed in, or null. Throws ServiceRefused, Unreachable. */
export async function readSession(): Promise<Account | null> {
  if (!expected()) return null;
  try {
    const found = (await call('GET', '/session')) as Account & Times;
    begin(found);
    return found;
  } catch (error) {
    if (!(error instanceof ServiceRefused) || error.status !== UNAUTHORIZED) throw error;
    hint(null);
    return null;
  }
}

/** Calls `act` when the session's time is up. */
export function onOver(act: () => void): void {
  over = act;
}

/** Ends the session here and at the ballot box, if that can be reached. */
export async function endSession(): Promise<void> {
  stopClock();
  await call('DELETE', '/session', { repeat: true }).catch(() => undefined);
}

/** Stops the clock and takes it off the page. */
export function stopClock(): void {
  hint(null);
  clearInterval(timer);
  clock = null;
  fill(byId('notice'));
}

/** The ballot box's time now (milliseconds since 1970); this device's where no session says it. */
export const timeNow = (): number => (clock === null ? Date.now() : serviceTime(clock, Date.now()));

/** The clock, and its warning, as the frame shows it. */
export function clockView(): Child {
  if (clock === null) return null;
  const seconds = remaining(clock, Date.now());
  const stage = stageOf(seconds);
  const late = stage !== 'calm';
  return h('section', { class: late ? 'session late' : 'session', 'aria-label': t('session') },
    h('p', { id: 'time-left' }, left(seconds)),
    h('div', { class: 'acts' },
      late && button(t('session-extend'), () => void extend(), 'main', { id: 'extend' }),
      button(t('sign-out'), () => signOut(), 'quiet', { id: 'sign-out' }),
    ),
  );
}

let signOut: () => void = () => undefined;

/** What the clock's button for leaving does. */
export function onSignOut(act: () => void): void {
  signOut = act;
}

function begin(times: Times): void {
  clock = clockOf(times, Date.now());
  told = 'calm';
  clearInterval(timer);
  timer = window.setInterval(tick, TICK);
  fill(byId('notice'), clockView());
}

function tick(): void {
  if (clock === null) return;
  const seconds = remaining(clock, Date.now());
  const stage = stageOf(seconds);
  if (stage === 'over') {
    stopClock();
    over();
    return;
  }
  if (stage !== told) {
    told = stage;
    fill(byId('notice'), clockView());
    if (stage !== 'calm') announce(t('session-warning', { time: left(seconds) }), true);
  }
  byId('time-left').textContent = left(seconds);
}

async function extend(): Promise<void> {
  try {
    begin((await call('POST', '/session/extend', { repeat: true })) as Times);
    announce(t('session-extended'));
  } catch (error) {
    if (error instanceof ServiceRefused && error.status === UNAUTHORIZED) {
      stopClock();
      return over();
    }
    announce(t('session-not-extended'), true);
  }
}

function hint(value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(HINT);
    else localStorage.setItem(HINT, value);
  } catch {
    // Then the ballot box is asked each time.
  }
}

function expected(): boolean {
  try {
    return localStorage.getItem(HINT) !== null;
  } catch {
    return true;
  }
}

function left(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return seconds > 60 ? t('session-minutes', { minutes }) : t('session-seconds', { seconds });
}
