/** Search filters from BER, with values as the bytes that were sent (ldapts as a server makes text of them, which ruins GUIDs). */
import { Ber, type BerReader } from "ldapts";

/** Attribute names in lower case. */
export type FilterTerm =
  | { readonly kind: "and" | "or"; readonly terms: readonly FilterTerm[] }
  | { readonly kind: "not"; readonly term: FilterTerm }
  | { readonly kind: "equals" | "atLeast" | "atMost"; readonly attribute: string; readonly value: Buffer }
  | { readonly kind: "present"; readonly attribute: string }
  | { readonly kind: "like"; readonly attribute: string; readonly pattern: RegExp }
  | { readonly kind: "rule"; readonly attribute: string; readonly rule: string; readonly value: Buffer };

const TAG = { and: 0xa0, or: 0xa1, not: 0xa2, equals: 0xa3, like: 0xa4, atLeast: 0xa5, atMost: 0xa6, present: 0x87 };
const RULE = { rule: 0x81, attribute: 0x82, value: 0x83 } as const;

export function readFilter(reader: BerReader): FilterTerm {
  const tag = reader.peek();
  if (tag === TAG.present) return { kind: "present", attribute: lower(text(reader, TAG.present)) };
  reader.readSequence();
  const end = reader.offset + reader.length;
  switch (tag) {
    case TAG.and:
    case TAG.or: {
      const terms: FilterTerm[] = [];
      while (reader.offset < end) terms.push(readFilter(reader));
      return { kind: tag === TAG.and ? "and" : "or", terms };
    }
    case TAG.not:
      return { kind: "not", term: readFilter(reader) };
    case TAG.like:
      return readPattern(reader);
    case TAG.equals:
    case TAG.atLeast:
    case TAG.atMost: {
      const attribute = lower(text(reader, Ber.OctetString));
      const value = bytes(reader, Ber.OctetString);
      return { kind: tag === TAG.equals ? "equals" : tag === TAG.atLeast ? "atLeast" : "atMost", attribute, value };
    }
    default: {
      const parts = new Map<number, Buffer>();
      while (reader.offset < end) {
        const part = reader.peek() ?? 0;
        parts.set(part, bytes(reader, part));
      }
      return {
        kind: "rule",
        attribute: lower(parts.get(RULE.attribute)?.toString() ?? ""),
        rule: parts.get(RULE.rule)?.toString() ?? "",
        value: parts.get(RULE.value) ?? Buffer.alloc(0),
      };
    }
  }
}

function readPattern(reader: BerReader): FilterTerm {
  const attribute = lower(text(reader, Ber.OctetString));
  reader.readSequence();
  const end = reader.offset + reader.length;
  const parts: string[] = [];
  let first = "";
  let last = "";
  while (reader.offset < end) {
    const tag = reader.peek() ?? 0;
    const part = text(reader, tag).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    if (tag === 0x80) first = part;
    else if (tag === 0x82) last = part;
    else parts.push(part);
  }
  const pattern = new RegExp(`^${[first, ...parts, last].join(".*")}$`, "is");
  return { kind: "like", attribute, pattern };
}

const bytes = (reader: BerReader, tag: number): Buffer => Buffer.from(reader.readString(tag, true) ?? []);
const text = (reader: BerReader, tag: number): string => bytes(reader, tag).toString("utf8");
const lower = (name: string): string => name.toLowerCase();
