/** Passkeys: what the service sends goes to the browser, and what the browser answers goes back, bytes as base64url. */

import { bytesOf, fragmentOf } from './opening.ts';
import { call } from './api.ts';

interface Begun {
  readonly ticket: string;
  readonly options: Record<string, unknown>;
}

/** Whether this browser has passkeys at all. */
export const hasPasskeys = (): boolean => typeof PublicKeyCredential === 'function' && typeof navigator.credentials?.create === 'function';

/** Makes a passkey for the session's account. Throws ServiceRefused, Unreachable, and DOMException for a voter who says
 * no, or a device that cannot. */
export async function addPasskey(): Promise<void> {
  const { ticket, options } = (await call('POST', '/access/passkey/options', { body: {} })) as Begun;
  const user = options['user'] as Record<string, unknown>;
  const publicKey = { ...options, challenge: bytes(options['challenge']), user: { ...user, id: bytes(user['id']) }, excludeCredentials: named(options['excludeCredentials']) };
  const made = (await navigator.credentials.create({ publicKey: publicKey as never })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  await call('POST', '/access/passkey/verify', { body: { ticket, credential: written(made, { attestationObject: response.attestationObject }) } });
}

/** Opens a session with a passkey. Throws as `addPasskey`. */
export async function usePasskey(): Promise<void> {
  const { ticket, options } = (await call('POST', '/session/passkey/options', { body: {} })) as Begun;
  const publicKey = { ...options, challenge: bytes(options['challenge']), allowCredentials: named(options['allowCredentials']) };
  const found = (await navigator.credentials.get({ publicKey: publicKey as never })) as PublicKeyCredential;
  const { authenticatorData, signature, userHandle } = found.response as AuthenticatorAssertionResponse;
  await call('POST', '/session/passkey/verify', { body: { ticket, credential: written(found, { authenticatorData, signature, userHandle }) } });
}

function written(found: PublicKeyCredential, response: Record<string, ArrayBuffer | null>): Record<string, unknown> {
  const parts = Object.entries({ clientDataJSON: found.response.clientDataJSON, ...response }).filter(([, data]) => data !== null);
  return {
    id: found.id,
    rawId: text(found.rawId),
    type: found.type,
    response: Object.fromEntries(parts.map(([name, data]) => [name, text(data!)])),
    clientExtensionResults: {},
  };
}

function named(list: unknown): unknown[] {
  return (Array.isArray(list) ? (list as Record<string, unknown>[]) : []).map((one) => ({ ...one, id: bytes(one['id']) }));
}

const text = (data: ArrayBuffer): string => fragmentOf(new Uint8Array(data));

function bytes(value: unknown): Uint8Array {
  const found = bytesOf(String(value));
  if (found === null) throw new RangeError('not base64url');
  return found;
}
