/** The language that the page speaks: Spanish, unless the voter or the browser asks for English. */

export type Language = 'es' | 'en';

const KEPT = 'vemre-language';
const listeners: (() => void)[] = [];
let current: Language | null = null;

/** The current language. */
export function language(): Language {
  current ??= kept() ?? preferred();
  return current;
}

/** Speaks another language from now on, also after a reload, and tells whoever listens. */
export function setLanguage(chosen: Language): void {
  current = chosen;
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // A browser that keeps nothing asks again at the next visit.
  }
  for (const listener of listeners) listener();
}

/** Calls `act` after each change of language. */
export function onLanguage(act: () => void): void {
  listeners.push(act);
}

function kept(): Language | null {
  try {
    const found = localStorage.getItem(KEPT);
    return found === 'es' || found === 'en' ? found : null;
  } catch {
    return null;
  }
}

function preferred(): Language {
  const asked = typeof navigator === 'undefined' ? [] : (navigator.languages ?? [navigator.language]);
  const first = asked.find((tag) => /^(es|en)\b/i.test(tag));
  return first?.toLowerCase().startsWith('en') ? 'en' : 'es';
}
