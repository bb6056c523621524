import type { Session } from './transport/session.ts';

export interface PeerBytes {
  readonly peer: string;
  readonly sent: number;
  readonly received: number;
}

/** What sessions have carried since this was made, for metrics. */
export interface PeerTraffic {
  /** Counts a session until its owner closes it, and what it carried for ever. */
  count(session: Session): Session;
  bytes(): readonly PeerBytes[];
}

export function peerTraffic(): PeerTraffic {
  const live = new Set<Session>();
  const before = new Map<string, PeerBytes>();

  function add(totals: Map<string, PeerBytes>, session: Session): void {
    const { peer } = session;
    const { sent, received } = session.receipt();
    const total = totals.get(peer) ?? { peer, sent: 0, received: 0 };
    totals.set(peer, {
      peer,
      sent: total.sent + sent.bytes,
      received: total.received + received.bytes,
    });
  }

  return {
    count(session) {
      live.add(session);
      const close = session.close.bind(session);
      return Object.assign(session, {
        close: async (reason?: Error) => {
          await close(reason).finally(() => {
            if (live.delete(session)) add(before, session);
          });
        },
      });
    },

    bytes() {
      const totals = new Map(before);
      for (const session of live) add(totals, session);
      return [...totals.values()];
    },
  };
}
