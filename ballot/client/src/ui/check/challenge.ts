/** The page /reto: what a ballot that was put to the test really held. */

import { Refused } from '../../core/errors.ts';
import { openElection, parsePolicy, type Election } from '../../core/index.ts';
import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { download } from '../kit/api.ts';
import { h } from '../kit/dom.ts';
import { field, form, valueOf, wrong } from '../kit/form.ts';
import { payloadOf } from '../kit/opening.ts';
import { openPage, show } from '../kit/page.ts';
import { httpSource } from '../kit/source.ts';
import { codeReader, fragmentOf, otherHost } from './read.ts';
import { askFingerprint } from './second_device.ts';

const MAX_POLICY_BYTES = 1 << 20;
/** One block has three numbers of 32 bytes each. */
const SHORTEST = 96;

async function election(): Promise<Election> {
  const data = await download('/policy.json', MAX_POLICY_BYTES);
  if (data === null) throw new Refused('policy-unusable');
  return openElection(httpSource(), parsePolicy(data));
}

/** The opening in a text, or null. Whether it is a good one is for whoever has verified the election. */
function openingIn(text: string): Uint8Array | null {
  const found = payloadOf(fragmentOf(text));
  return found === null || found.length < SHORTEST ? null : found;
}

const bench = { election, again: ask };

function ask(): void {
  show({
    title: () => t('second-title'),
    body: () => [
      h('p', {}, t('second-what')),
      codeReader((text) => {
        const other = otherHost(text, location.host);
        if (other !== null) announce(t('code-of-another', { host: other }), true);
        const payload = other === null ? openingIn(text) : null;
        if (payload !== null) askFingerprint(bench, payload);
        return payload !== null;
      }),
      form(async () => {
        const payload = openingIn(valueOf('link'));
        if (payload === null) return wrong('link', t('second-link-bad'));
        askFingerprint(bench, payload);
      },
      field({ id: 'link', label: t('second-link'), attributes: { autocomplete: 'off', inputmode: 'url' } }),
      h('div', { class: 'acts' }, h('button', { class: 'main', type: 'submit', id: 'open' }, t('second-open')))),
      h('p', { class: 'small' }, t('second-secret')),
    ],
  });
}

/** Takes what the address brings out of it: it says what somebody marked, and the browser would remember it. */
function linked(): Uint8Array | null {
  const payload = openingIn(location.hash);
  if (location.hash !== '') history.replaceState(history.state, '', location.pathname);
  return payload;
}

function begin(): void {
  const broken = location.hash.length > 1;
  const payload = linked();
  if (payload !== null) return askFingerprint(bench, payload);
  ask();
  if (broken) wrong('link', t('second-link-bad'));
}

openPage();
begin();
addEventListener('hashchange', () => location.hash.length > 1 && begin());
