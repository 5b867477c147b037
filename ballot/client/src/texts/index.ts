/** What the pages say. The Spanish texts are the contract: English has the same keys, or nothing is built. */

import { checkEn } from './check.en.ts';
import { checkEs } from './check.es.ts';
import { kitEn } from './kit.en.ts';
import { kitEs } from './kit.es.ts';
import { language, type Language } from './language.ts';
import { voteEn } from './vote.en.ts';
import { voteEs } from './vote.es.ts';

export { language, onLanguage, setLanguage, type Language } from './language.ts';

const es = { ...kitEs, ...voteEs, ...checkEs };
const en: Record<Key, string> = { ...kitEn, ...voteEn, ...checkEn };

export type Key = keyof typeof es;
export type Values = Readonly<Record<string, string | number>>;

/** Both languages, for whoever compares them. */
export const TEXTS: Readonly<Record<Language, Readonly<Record<Key, string>>>> = { es, en };

/** A text in the current language with its `{placeholders}` filled in; each of them has a value. */
export function t(key: Key, values: Values = {}): string {
  return TEXTS[language()][key].replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`${key}: ${name}`);
    return String(value);
  });
}

/** Whether there is such a text: codes of refusals come from elsewhere. */
export const isKey = (key: string): key is Key => Object.prototype.hasOwnProperty.call(es, key);

/** The spelling of a text that the election itself brings in both languages. */
export const inLanguage = (text: { readonly es: string; readonly en: string }): string => text[language()];
