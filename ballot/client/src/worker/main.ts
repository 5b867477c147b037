/** The worker: a desk of its own, with its own memory, which ends with the session. */

import { NotFound } from '../core/errors.ts';
import { download } from '../ui/kit/api.ts';
import { httpSource } from '../ui/kit/source.ts';
import { LocalDesk } from './desk.ts';
import { failureOf, type Asked } from './protocol.ts';

const MAX_POLICY_BYTES = 1 << 20;

const desk = new LocalDesk({
  async policy(again) {
    const data = await download('/policy.json', MAX_POLICY_BYTES, again);
    if (data === null) throw new NotFound('policy.json');
    return data;
  },
  source: (again, progress) => httpSource('', again, progress),
});
const host = self as unknown as { onmessage: (event: MessageEvent<Asked>) => void; postMessage(told: unknown): void };

host.onmessage = ({ data: { id, act, with: given } }) => {
  desk
    .ask(act, given as never, (progress) => host.postMessage({ id, progress }))
    .then((good) => host.postMessage({ id, good }), (error: unknown) => host.postMessage({ id, bad: failureOf(error) }));
};
