/** A challenged ballot is laid open for a second device, and is never cast. */

import { t } from '../../texts/index.ts';
import { announce } from '../kit/announce.ts';
import { h, type Child } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { show } from '../kit/page.ts';
import { MAX_QR, qrPicture } from '../kit/qr.ts';
import { codeView } from '../kit/words.ts';
import type { Booth } from './booth.ts';
import { review } from './review.ts';
import { failed, seal } from './sealed.ts';

/** Opens the ballot that was just encrypted. */
export async function challenge(booth: Booth, fingerprint: string): Promise<void> {
  try {
    const payload = await booth.desk.ask('challenge', null);
    opened(booth, fingerprint, booth.host.challengeLink(payload));
  } catch (error) {
    failed(booth, error);
  }
}

function opened(booth: Booth, fingerprint: string, link: string): void {
  show({
    title: () => t('challenged-title'),
    back: () => review(booth),
    body: () => [
      h('p', { class: 'note' }, t('challenged-spent')),
      h('section', { class: 'card center' },
        h('h2', {}, t('fingerprint')),
        codeView(fingerprint, 'fingerprint'),
      ),
      h('ol', { class: 'steps' },
        h('li', {}, t('challenged-open')),
        h('li', {}, t('challenged-compare')),
        h('li', {}, t('challenged-choices')),
      ),
      code(link),
      h('div', { class: 'acts' },
        h('a', { class: 'button', id: 'link', href: link.slice(location.origin.length), target: '_blank', rel: 'noopener' }, t('challenged-here'), h('span', { class: 'unseen' }, ` (${t('opens-new')})`)),
        button(t('challenged-copy'), () => void copy(link), 'plain', { id: 'copy' }),
      ),
      h('p', { class: 'small' }, t('challenged-secret')),
      h('h2', {}, t('challenged-then')),
      h('p', {}, t('challenged-anew')),
      h('div', { class: 'acts' },
        button(t('challenged-again'), () => void seal(booth), 'main', { id: 'seal' }),
        button(t('sealed-back'), () => review(booth), 'plain', { id: 'back' }),
      ),
    ],
  });
}

function code(link: string): Child {
  if (link.length > MAX_QR) return h('p', {}, t('challenged-too-long'));
  return qrPicture(link, t('challenged-qr'));
}

async function copy(link: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(link);
    announce(t('copied'));
  } catch {
    // Without the permission there is still the code, and the link to open here.
  }
}
