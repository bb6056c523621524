/** What a protocol needs to know of a generated proto message: its name and its codec. */
export interface MessageType<M> {
  readonly $type: string;
  encode(message: M): { finish(): Uint8Array };
  decode(bytes: Uint8Array): M;
}

/**
 * Traffic of one channel and its forks since it was opened.
 * `bytes*` count encoded messages without framing; `rounds` counts switches from receiving to
 * sending, the first send included (forks count their own and are summed).
 */
export interface ChannelStats {
  bytesSent: number;
  bytesReceived: number;
  messagesSent: number;
  messagesReceived: number;
  rounds: number;
}

/**
 * A reliable, ordered, authenticated link to one peer, private to one protocol run.
 * The only thing a protocol knows of the network.
 *
 * One channel is one sequential program: never two pending `receive`s. To run sub-protocols at the
 * same time, both sides take `fork(label)` with the same label. Cancellation and deadlines belong to
 * whoever created the channel; once it ends, every pending and later call throws `CLOSED`.
 */
export interface Channel {
  readonly stats: Readonly<ChannelStats>;
  /** Resolves once the transport has room for more (back-pressure), not once the peer has read. */
  send<M>(type: MessageType<M>, message: M): Promise<void>;
  /**
   * The next message. The caller owns it; `bytes` fields may be unaligned views.
   * Throws `UNEXPECTED_MESSAGE` on another type, `MALFORMED_MESSAGE` on bytes that do not decode.
   */
  receive<M>(type: MessageType<M>): Promise<M>;
  /** A sub-channel with an order of its own over the same link. Labels are unique a channel. */
  fork(label: string): Channel;
}

/** Index of a party in a run: its position in the contract. */
export type PartyIndex = number;

/** The parties of a run as one of them sees it: itself (`me`), how many (`n`), a channel to each other. */
export interface Parties {
  readonly me: PartyIndex;
  readonly n: number;
  /** Throws `RangeError` for `me` or an unknown index. */
  readonly channel: (peer: PartyIndex) => Channel;
}
