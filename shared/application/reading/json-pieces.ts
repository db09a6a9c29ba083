/**
 * `JSON.parse` of bytes, for bodies that hold one long list, as a batch does. A text of a hundred kilobytes and more is an
 * allocation of its own for the engine, and costs more than parsing it. So the list is cut at commas between its elements and
 * parsed piece by piece, and what stands around it with a mark in its place.
 *
 * What comes out, and what is refused, is the same as for the whole text: a mark that parses as the value of a field was
 * where an array may stand, and pieces that parse as elements of an array are what stood in it. Where any of that
 * doesn't hold, the whole is parsed at once, and says why it is no JSON.
 */
import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";

/** Pieces are cut at the first comma from here on; a list shorter than two isn't cut. */
const PIECE_BYTES = 48 * 1024;

const COMMA = 0x2c;
const QUOTE = 0x22;
const ESCAPE = 0x5c;
const SQUARE = 0x5b;
const SQUARE_END = 0x5d;
const CURLY = 0x7b;
const CURLY_END = 0x7d;

/** No text of a body: nobody outside knows it. */
const MARK = randomUUID();

/** Where the content of a list begins, where it is cut (at commas), and where it ends. */
interface LongList {
  readonly begin: number;
  readonly cuts: readonly number[];
  readonly end: number;
}

export interface Scan {
  readonly isTooDeep: boolean;
  /** The first list that is worth cutting, of those that are the value of a field of the outermost object. */
  readonly list?: LongList;
}

/**
 * One pass over the bytes, without recursion: brackets outside of texts are counted, whether they match or not. Ends where
 * there are more than `maxDepth` levels.
 */
export function scanJson(body: Uint8Array, maxDepth: number): Scan {
  let depth = 0;
  let begin = 0;
  let cut = 0;
  let cuts: number[] = [];
  let list: LongList | undefined;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0;
    if (byte === QUOTE) {
      for (at++; at < body.length && body[at] !== QUOTE; at++) if (body[at] === ESCAPE) at++;
    } else if (byte === COMMA) {
      if (depth === 2 && at - cut >= PIECE_BYTES) {
        cuts.push(at);
        cut = at;
      }
    } else if (byte === CURLY || byte === SQUARE) {
      depth++;
      if (depth > maxDepth) return { isTooDeep: true };
      if (depth === 2) {
        begin = at + 1;
        cut = at;
        cuts = [];
      }
    } else if (byte === CURLY_END || byte === SQUARE_END) {
      if (depth === 2 && byte === SQUARE_END && cuts.length > 0 && !list && body[begin - 1] === SQUARE)
        list = { begin, cuts, end: at };
      depth--;
    }
  }
  return list ? { isTooDeep: false, list } : { isTooDeep: false };
}

/** What the bytes say. Throws `SyntaxError`, and `TypeError` for what isn't UTF-8. `scan`: of these bytes. */
export function parseJsonBytes(body: Uint8Array, { list }: Scan): unknown {
  // Several times as fast as a decoder that is told to be strict.
  if (!isUtf8(body)) throw new TypeError("Not UTF-8.");
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  return (list && parsePieces(bytes, list)) ?? parseWhole(bytes);
}

function parseWhole(bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  return JSON.parse(text.startsWith("\ufeff") ? text.slice(1) : text);
}

/** Undefined: it must be looked at whole. */
function parsePieces(bytes: Buffer, { begin, cuts, end }: LongList): object | undefined {
  try {
    const outside: unknown = JSON.parse(`${bytes.toString("utf8", 0, begin)}"${MARK}"${bytes.toString("utf8", end)}`);
    if (typeof outside !== "object" || outside === null) return undefined;
    // Of two fields of one name the last one counts, and that may be another than the list.
    const field = Object.entries(outside).find(([, value]) => Array.isArray(value) && value[0] === MARK)?.[0];
    if (field === undefined) return undefined;
    const elements: unknown[] = [];
    for (const [piece, from] of [begin - 1, ...cuts].entries()) {
      const own: unknown = JSON.parse(`[${bytes.toString("utf8", from + 1, cuts[piece] ?? end)}]`);
      // A comma has an element on either side.
      if (!Array.isArray(own) || own.length === 0) return undefined;
      for (const element of own) elements.push(element);
    }
    return Object.defineProperty(outside, field, { value: elements });
  } catch {
    return undefined;
  }
}
