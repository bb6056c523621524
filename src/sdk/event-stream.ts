/** Server-sent events of a byte stream. https://html.spec.whatwg.org/multipage/server-sent-events.html §9.2.6 */

export interface ServerEvent {
  /** The last id seen, with this event or before it. */
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

export interface ReadOptions {
  /** Called when the server says how long to wait before connecting again. */
  readonly onRetry?: (delayMs: number) => void;
}

/** Longest line, in characters: far above any event of a node. Own choice. */
const MAX_LINE = 1 << 20;

/** The events of a response body. Comments are skipped; what follows the last empty line is no event. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  { onRetry = () => undefined }: ReadOptions = {},
): AsyncGenerator<ServerEvent> {
  let [id, type, data] = ['', '', [] as string[]];
  for await (const line of linesOf(body)) {
    if (line === '') {
      if (data.length > 0) yield { id, type: type || 'message', data: data.join('\n') };
      [type, data] = ['', []];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'event') type = value;
    else if (field === 'data') data.push(value);
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) onRetry(Number(value));
  }
}

/** The complete lines of UTF-8 text; they end with LF, CR or CR LF. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder(); // removes a byte order mark
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the end may be the first half of CR LF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    if (rest.length > MAX_LINE) throw new RangeError('an event is too large');
    yield* lines;
  }
}
