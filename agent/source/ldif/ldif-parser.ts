/**
 * LDIF content records (RFC 2849) from a stream of bytes, one at a time.
 *
 * Continued lines, comments, `version: 1`, base64 values, UTF-8 as it stands. Values by URL are refused (an agent reads
 * what it was given, and nothing else), and so are change records. A record ends with an empty line; a file that ends
 * before that one ended *inside* a record, because nobody can tell what is missing. It knows no directory and no schema.
 */
import { SourceError } from "../../../shared/ports/source-directory.ts";

export interface LdifAttribute {
  /** As written, options included. */
  readonly name: string;
  readonly values: readonly Buffer[];
}

export interface LdifRecord {
  readonly dn: string;
  /** The line on which it starts, from 1. */
  readonly line: number;
  /** By name in lower case, in the order of the file. */
  readonly attributesByName: ReadonlyMap<string, LdifAttribute>;
}

interface LogicalLine {
  readonly bytes: Buffer;
  readonly number: number;
}

const SPACE = 0x20;
const COLON = 0x3a;
const LESS = 0x3c;
const HASH = 0x23;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** `name` is what messages call the file. Throws `SourceError`: source-record (bad syntax), source-incomplete. */
export async function* parseLdif(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<LdifRecord> {
  let lines: LogicalLine[] = [];
  let isFirst = true;
  for await (const line of logicalLines(chunks, name)) {
    if (line.bytes.length > 0) {
      if (isFirst && /^version:\s*\d+\s*$/i.test(line.bytes.toString("latin1"))) {
        if (!/:\s*1\s*$/.test(line.bytes.toString("latin1")))
          throw badRecord(name, line.number, "only LDIF version 1 is known");
        isFirst = false;
        continue;
      }
      isFirst = false;
      lines.push(line);
      continue;
    }
    if (lines.length > 0) yield* recordOf(lines, name);
    lines = [];
  }
  const start = lines[0];
  if (start !== undefined)
    throw endsInside(name, `the record that starts on line ${start.number}: no empty line ends it`);
}

/** Unfolded lines; comments are gone, empty lines are there. */
async function* logicalLines(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<LogicalLine> {
  let pending: { parts: Buffer[]; number: number } | undefined;
  const flush = (): LogicalLine[] => {
    if (pending === undefined) return [];
    const line = {
      bytes: pending.parts.length === 1 ? (pending.parts[0] ?? Buffer.alloc(0)) : Buffer.concat(pending.parts),
      number: pending.number,
    };
    pending = undefined;
    return line.bytes[0] === HASH ? [] : [line];
  };
  let number = 0;
  for await (const bytes of physicalLines(chunks, name)) {
    number++;
    if (bytes[0] === SPACE) {
      if (pending === undefined) throw badRecord(name, number, "it continues a line that isn't there");
      pending.parts.push(bytes.subarray(1));
      continue;
    }
    yield* flush();
    if (bytes.length === 0) yield { bytes, number };
    else pending = { parts: [bytes], number };
  }
  yield* flush();
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

async function* physicalLines(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let isFirst = true;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const tail = chunk.subarray(from, at);
      let line = rest.length === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      if (isFirst && line.subarray(0, 3).equals(BYTE_ORDER_MARK)) line = line.subarray(3);
      isFirst = false;
      yield line[line.length - 1] === RETURN ? line.subarray(0, -1) : line;
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) throw endsInside(name, "a line");
}

function* recordOf(lines: readonly LogicalLine[], name: string): Generator<LdifRecord> {
  const [first, ...others] = lines;
  if (first === undefined) return;
  const head = attributeOf(first, name);
  const kind = head.name.toLowerCase();
  // `ldbsearch` and `ldapsearch` write referrals, and the latter its result, between the records.
  if (kind === "ref" || kind === "search") return checkAside(kind, others, name);
  if (kind !== "dn") throw badRecord(name, first.number, "a record must start with 'dn:'");
  const dn = head.value.toString("utf8");
  const attributesByName = new Map<string, { name: string; values: Buffer[] }>();
  for (const line of others) {
    const attribute = attributeOf(line, name, dn);
    const key = attribute.name.toLowerCase();
    if (key === "dn")
      throw lostEmptyLine(name, line.number, `the record '${dn}' of line ${first.number}`, attribute.value);
    if (key === "changetype" || key === "control") {
      throw badRecord(name, line.number, `'${dn}' is a change, not an entry: the file must be an export`);
    }
    const known = attributesByName.get(key);
    if (known) known.values.push(attribute.value);
    else attributesByName.set(key, { name: attribute.name, values: [attribute.value] });
  }
  yield { dn, line: first.number, attributesByName };
}

/** What a search tool says besides entries. An entry that ran together with it must not be lost with it. */
function checkAside(kind: "ref" | "search", lines: readonly LogicalLine[], file: string): void {
  const known = kind === "ref" ? ["ref"] : ["result", "matcheddn", "text", "ref", "control", "pagedresults"];
  for (const line of lines) {
    const { name, value } = attributeOf(line, file);
    const key = name.toLowerCase();
    if (key === "dn") throw lostEmptyLine(file, line.number, `what the export says of its ${kind}`, value);
    if (!known.includes(key)) throw badRecord(file, line.number, `'${name}' doesn't belong to a ${kind}`);
    // A size or time limit, for example: what follows is missing.
    if (key === "result" && !/^0\b/.test(value.toString("latin1"))) {
      throw new SourceError(
        "source-incomplete",
        `The export ${file} ended with an error (line ${line.number}): result ${value.toString("utf8")}.`,
        "Export the file again, in pages (ldapsearch -E pr=1000/noprompt) if a limit was met.",
      );
    }
  }
}

function lostEmptyLine(file: string, line: number, inside: string, dn: Buffer): SourceError {
  return badRecord(
    file,
    line,
    `'dn: ${dn.toString("utf8")}' stands inside ${inside}: the empty line that ends a record is missing before it`,
  );
}

function attributeOf(line: LogicalLine, file: string, dn?: string): { name: string; value: Buffer } {
  const of = dn === undefined ? "" : ` (in '${dn}')`;
  const colon = line.bytes.indexOf(COLON);
  const name = line.bytes.subarray(0, Math.max(colon, 0)).toString("latin1");
  if (colon < 0 || !/^[A-Za-z0-9.-]+(;[A-Za-z0-9=-]+)*$/.test(name)) {
    throw badRecord(file, line.number, `it isn't of the form 'name: value'${of}`);
  }
  const marker = line.bytes[colon + 1];
  if (marker === LESS)
    throw badRecord(file, line.number, `'${name}' takes its value from a URL, which is refused${of}`);
  if (marker !== COLON) return { name, value: withoutLeadingSpaces(line.bytes.subarray(colon + 1)) };
  const text = withoutLeadingSpaces(line.bytes.subarray(colon + 2))
    .toString("latin1")
    .trimEnd();
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw badRecord(file, line.number, `the value of '${name}' is not base64${of}`);
  }
  return { name, value: Buffer.from(text, "base64") };
}

function withoutLeadingSpaces(bytes: Buffer): Buffer {
  let from = 0;
  while (bytes[from] === SPACE) from++;
  return bytes.subarray(from);
}

function badRecord(file: string, line: number, why: string): SourceError {
  return new SourceError(
    "source-record",
    `Cannot read line ${line} of ${file}: ${why}.`,
    "Export the file again as LDIF content records (for example ldapsearch -LLL, or ldifde without -i).",
  );
}

function endsInside(file: string, what: string): SourceError {
  return new SourceError(
    "source-incomplete",
    `${file} ends inside ${what}.`,
    "If it is still being written, nothing to do: it is read again. Otherwise export it again; the last record ends with an empty line.",
  );
}
