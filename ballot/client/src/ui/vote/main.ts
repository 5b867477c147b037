/** The page `/`: signing in and voting. */

import { t } from '../../texts/index.ts';
import { progress } from '../kit/form.ts';
import { openPage, show } from '../kit/page.ts';
import { enter } from './enter.ts';
import { clockView, endSession, expectSession, onOver, onSignOut, readSession, stopClock } from './session.ts';
import { signIn, type Why } from './signin.ts';
import { Voter } from './voter.ts';

const exits = { leave: () => void leave(), signInAgain: () => out('again') };
let voter: Voter;

openPage({ notice: clockView });
onOver(() => out('over'));
onSignOut(() => void leave());
begin();
void arrive(() => signIn('welcome', entered));

function entered(): void {
  expectSession();
  void arrive();
}

function begin(): void {
  voter = new Voter(exits);
}

/** Goes on with the session that there is; where there is none, with `otherwise`. */
async function arrive(otherwise: () => void = () => signIn('again', entered)): Promise<void> {
  show({ title: () => t('brand-long'), body: () => progress('working', t('working')) });
  try {
    const account = await readSession();
    if (account === null) otherwise();
    else enter(voter, account);
  } catch (error) {
    signIn('welcome', entered, error);
  }
}

/** Ends what the session had on this device: the worker with all secrets, the screens, the clock. */
function out(why: Why): void {
  voter.desk.end();
  stopClock();
  begin();
  signIn(why, entered);
}

async function leave(): Promise<void> {
  const ended = endSession();
  out('left');
  await ended;
}
