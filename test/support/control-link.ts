import { SessionError } from '../../src/party/errors.ts';
import type {
  ControlClient,
  ControlHandler,
  ControlMethod,
  ControlServer,
} from '../../src/party/transport/control.ts';

type Answer = (from: string, request: Uint8Array) => Promise<Uint8Array>;

/** The control plane of one node in memory: every message is encoded and decoded. */
export interface ControlLink extends ControlServer {
  /** The client of a party that talks to this node, which it calls `as`. */
  client(from: string, as: string): ControlClient;
}

export function controlLink(): ControlLink {
  const answers = new Map<string, Answer>();
  return {
    handle<Q, R>(method: ControlMethod<Q, R>, handler: ControlHandler<Q, R>): void {
      answers.set(method.name, async (from, bytes) => {
        const record = { name: from, address: 'memory:1', certificatePem: '', fingerprint: '' };
        const context = { signal: new AbortController().signal };
        const response = await handler(record, method.request.decode(bytes), context);
        return method.response.encode(response).finish();
      });
    },
    client: (from, as) => ({
      async call<Q, R>(peer: string, method: ControlMethod<Q, R>, request: Q): Promise<R> {
        const answer = answers.get(method.name);
        if (peer !== as || !answer) throw new SessionError('UNREACHABLE', 'nobody is there');
        const bytes = await answer(from, method.request.encode(request).finish()).catch(() => {
          throw new SessionError('PEER_FAILED', 'the peer failed');
        });
        return method.response.decode(bytes);
      },
    }),
  };
}
