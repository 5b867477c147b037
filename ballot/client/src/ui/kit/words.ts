/** Words that the election brings, and times, as a person reads them. */

import { language } from '../../texts/index.ts';
import { h } from './dom.ts';
import { plain } from './plain.ts';

export { plain } from './plain.ts';

/** A text from outside as an element of its own, whose writing direction touches nothing around it. */
export const quoted = (text: string): HTMLElement => h('bdi', {}, plain(text));

/** A time (RFC 3339, or milliseconds since 1970) as date and hour where the voter is, with the name of the zone. */
export function timeHere(time: string | number): string {
  return inZone(time);
}

/** The same in Mexico City, whose time the law speaks of. */
export function timeInMexico(time: string | number): string {
  return inZone(time, 'America/Mexico_City');
}

function inZone(time: string | number, timeZone?: string): string {
  const format = new Intl.DateTimeFormat(language() === 'es' ? 'es-MX' : 'en-US', {
    weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  return format.format(new Date(time));
}

/** A tracker or fingerprint: eight groups that break in the middle, if at all. */
export function codeView(text: string, id: string): HTMLElement {
  const groups = text.split('-');
  const half = Math.ceil(groups.length / 2);
  return h('p', { class: 'code large', id },
    h('span', { class: 'half' }, `${groups.slice(0, half).join('-')}-`), h('span', { class: 'half' }, groups.slice(half).join('-')));
}
