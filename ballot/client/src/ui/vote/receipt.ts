/** The receipt, verified by this page. It says where the ballot is, and nothing of what it says. */

import { utf8 } from '../../core/bytes.ts';
import { t } from '../../texts/index.ts';
import type { Desk, ReceiptSeen } from '../../worker/protocol.ts';
import { announce } from '../kit/announce.ts';
import { pause } from '../kit/api.ts';
import { h, type Child } from '../kit/dom.ts';
import { button } from '../kit/form.ts';
import { saveFile } from '../kit/files.ts';
import { isShown, redraw, show, type Screen } from '../kit/page.ts';
import { qrPicture } from '../kit/qr.ts';
import { codeView } from '../kit/words.ts';
import type { Host } from './booth.ts';

/** Seconds after which a receipt that lacks auditors is asked for again. The same for everybody. */
const LOOKS = [3, 5, 10, 20, 40];

/** Shows a receipt: of the ballot `cast` just now, or of one that was `found` for the account. */
export function showReceipt(desk: Desk, host: Host, first: ReceiptSeen, how: 'cast' | 'found'): void {
  let receipt = first;
  const screen: Screen = { title: () => t(how === 'cast' ? 'receipt-title' : 'voted-title'), body: () => body() };

  function body(): Child {
    const link = host.receiptLink(receipt);
    const { host: where, pathname } = new URL(link);
    return [
      h('p', { class: 'note good' }, t(how === 'cast' ? 'receipt-what' : 'voted-what')),
      h('section', { class: 'card receipt' },
        h('h2', {}, t('tracker')),
        h('div', { class: 'center' }, codeView(receipt.tracker, 'tracker')),
        qrPicture(link, t('receipt-qr')),
        h('dl', { class: 'facts' },
          h('dt', {}, t('receipt-place')), h('dd', {}, t('receipt-index', { index: receipt.index + 1, size: receipt.size })),
          h('dt', {}, t('receipt-auditors')), h('dd', { id: 'auditors' }, auditors()),
          h('dt', {}, t('receipt-address')), h('dd', {}, `${where}${pathname}`),
        ),
        h('p', { class: 'small' }, t('receipt-secret')),
      ),
      h('div', { class: 'acts' },
        button(t('receipt-download'), () => saveFile(`${host.fileName}-${receipt.tracker.slice(0, 9)}.tlog-proof`, 'application/octet-stream', receipt.file), 'main', { id: 'download' }),
        button(t('print'), () => print(), 'plain', { id: 'print' }),
        h('a', { class: 'button', id: 'find', href: link.slice(location.origin.length), target: '_blank', rel: 'noopener' }, t('receipt-find'), h('span', { class: 'unseen' }, ` (${t('opens-new')})`)),
      ),
      h('p', {}, t(how === 'cast' ? host.then : 'voted-not-you')),
      h('div', { class: 'acts' }, button(t('sign-out'), () => host.leave(), 'plain', { id: 'leave' })),
    ];
  }

  function auditors(): string {
    const all = receipt.auditors + receipt.missing;
    return t(receipt.quorumReached ? 'receipt-signed' : 'receipt-waiting', { signed: receipt.auditors, all });
  }

  /** The auditors sign a moment after the ballot box. */
  async function waitForAuditors(): Promise<void> {
    for (const seconds of LOOKS) {
      await pause(1000 * seconds);
      if (!isShown(screen)) return;
      const found = await host.receipt(receipt.leaf).catch(() => null);
      const next = found === null ? null : await desk.ask('receipt', { receipt: found, leaf: receipt.leaf }).catch(() => null);
      if (next === null || !isShown(screen)) continue;
      receipt = next;
      redraw();
      if (next.quorumReached) return announce(auditors());
    }
  }

  show(screen);
  if (!receipt.quorumReached) void waitForAuditors();
}

/** Asks for the receipt of a ballot by its leaf hash, verifies and shows it. Throws what asking and verifying throw. */
export async function findReceipt(desk: Desk, host: Host, leaf: string): Promise<void> {
  const data = await host.receipt(leaf);
  showReceipt(desk, host, await desk.ask('receipt', { receipt: data ?? utf8(''), leaf }), 'found');
}
