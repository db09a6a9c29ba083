/** The rows of one referrer's edges by their names, and what stands in them; undefined where it can't be read. */
import type { Row, RowOperation } from "../../ports/row-store.ts";
import { type LinkHeader, NEW_HEADER, packSegment, type Segment, standsForAny, unpackSegment } from "./link-codec.ts";
import { packJson, unpackJson } from "./packing.ts";

export interface LinkKey {
  readonly configurationId: string;
  readonly referrer: string;
  readonly attribute: string;
}

export function headerIn(row: Row): LinkHeader | undefined {
  return readable(() => ({ ...NEW_HEADER, ...unpackJson<LinkHeader>(row.values["data"] as Uint8Array) }));
}

export function segmentIn(row: Row): Segment | undefined {
  return readable(() => unpackSegment(row.values["edges"] as Uint8Array));
}

/** Without making any edge. */
export function isStandingIn(row: Row, targets: ReadonlySet<string>): boolean | undefined {
  return readable(() => standsForAny(row.values["edges"] as Uint8Array, targets));
}

/** A damaged row concerns its own group: whoever reads it among others goes on with them. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export function headerOperation(
  key: LinkKey,
  header: LinkHeader,
  etag: string | undefined,
  segment: Segment | undefined,
): RowOperation {
  const row = headerRow(key);
  const values = { data: packJson(header), ...(segment ? { edges: packSegment(segment) } : {}) };
  return etag === undefined ? { op: "insert", row, values } : { op: "replace", row, values, etag };
}

export function headerRow(key: LinkKey): string {
  return `h:${suffixOf(key)}`;
}

export function segmentRow(key: LinkKey, generation: string, name: string): string {
  return `${segmentsPrefix(key)}${generation}:${name}`;
}

/** Of the segments of all generations. */
export function segmentsPrefix(key: LinkKey): string {
  return `s:${suffixOf(key)}:`;
}

function suffixOf({ configurationId, referrer, attribute }: LinkKey): string {
  return `${configurationId}:${referrer}:${attribute}`;
}
