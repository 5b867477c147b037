/** The offer to sign in with a passkey the next time: folded, and nothing that anybody needs in order to vote. */

import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { fill, h, type Child } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { addPasskey, hasPasskeys } from '../kit/passkeys.ts';
import { problemOf } from '../kit/problem.ts';

/** The offer, where the browser has passkeys. */
export function passkeyOffer(): Child {
  if (!hasPasskeys()) return null;
  const said = h('p', { role: 'status', id: 'passkey-said' });

  async function add(): Promise<void> {
    try {
      await addPasskey();
      fill(said, t('passkey-added'));
    } catch (error) {
      fill(said, passkeyProblem(error));
    }
    announce(said.textContent ?? '');
  }

  return h('details', {},
    h('summary', {}, t('passkey-title')),
    h('p', {}, t('passkey-what')),
    said,
    h('div', { class: 'acts' }, button(t('passkey-add'), () => void add(), 'plain', { id: 'passkey-add' })),
  );
}

/** Why a passkey was not made or used. A device says no for many reasons, and tells pages none of them. */
export function passkeyProblem(error: unknown): string {
  if (error instanceof DOMException) return t(error.name === 'InvalidStateError' ? 'passkey-there' : 'passkey-none');
  const { title, next } = problemOf(error);
  return `${title}. ${next}`;
}
