/** How far a first access is. It stays with the tab until it is done: a phone that shows the application of codes may
 * throw the page away meanwhile. */

const PLACE = 'vemre-access';

export type Method = 'totp' | 'sms';

/** `token` is the link's secret. The rest follows step by step; `user` is the masked address, `masked` the telephone. */
export interface Access {
  readonly token: string;
  readonly ticket?: string;
  readonly user?: string;
  readonly factors?: readonly Method[];
  readonly method?: Method;
  readonly totp?: { readonly secret: string; readonly uri: string };
  readonly masked?: string;
}

/** Takes the link's secret out of the address, where the browser would remember it; or what this tab knows already. */
export function readAccess(): Access | null {
  const token = location.hash.slice(1);
  if (token === '') return remembered();
  history.replaceState(null, '', location.pathname);
  const known = remembered();
  return known?.token === token ? known : remember({ token });
}

/** Keeps it for this tab. */
export function remember(access: Access): Access {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(access));
  } catch {
    // Then a reload begins with the link again.
  }
  return access;
}

/** Forgets everything. */
export function forget(): void {
  try {
    sessionStorage.removeItem(PLACE);
  } catch {
    // Nothing was kept.
  }
}

function remembered(): Access | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(PLACE) ?? 'null') as Access | null;
    return typeof found?.token === 'string' ? found : null;
  } catch {
    return null;
  }
}
