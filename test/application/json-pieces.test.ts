/** JSON in pieces says what `JSON.parse` says of the whole, and refuses what that refuses. */
import { isUtf8 } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonBytes, scanJson } from "../../shared/application/reading/json-pieces.ts";

const DEPTH = 1_000;
const parsed = (text: string | Uint8Array): unknown => {
  const body = typeof text === "string" ? Buffer.from(text) : text;
  return parseJsonBytes(body, scanJson(body, DEPTH));
};

/** What `parse` gives, or that it refuses. */
function outcomeOf(parse: () => unknown): { readonly value: unknown } | "refused" {
  try {
    return { value: parse() };
  } catch {
    return "refused";
  }
}

/** Several pieces long, whatever its elements are. */
const FILLER = JSON.stringify('ü€😀 \\"[{,'.repeat(700));
/** A piece by itself. */
const HUGE = JSON.stringify("x".repeat(60_000));
const long = (...elements: readonly string[]) => `[${[FILLER, ...elements, ...Array(20).fill(FILLER)].join(",")}]`;

describe("JSON in pieces", () => {
  it("finds the long list, and cuts it", () => {
    const { list } = scanJson(Buffer.from(`{"a":[1],"changes":${long("{}")},"b":2}`), DEPTH);
    expect(list?.cuts.length).toBeGreaterThan(2);
    expect(scanJson(Buffer.from('{"changes":[1,2,3]}'), DEPTH)).toEqual({ isTooDeep: false });
  });

  it("reads any value in a long list, whatever stands around it", () => {
    const spaces = fc.constantFrom("", " ", "\n\t ");
    fc.assert(
      fc.property(
        fc.array(fc.json({ maxDepth: 4 }), { minLength: 1, maxLength: 20 }),
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }),
        fc.string(),
        spaces,
        fc.boolean(),
        (elements, around, name, space, isFirst) => {
          const own = `${JSON.stringify(name)}${space}:${space}${long(...elements.map((one) => `${space}${one}${space}`))}`;
          const rest = JSON.stringify(around).slice(1, -1);
          const fields = (isFirst ? [own, rest] : [rest, own]).filter((one) => one !== "");
          const text = `${space}{${space}${fields.join(`${space},${space}`)}${space}}${space}`;
          expect(isDeepStrictEqual(parsed(text), JSON.parse(text))).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("refuses what the whole is refused for, wherever a byte is wrong", () => {
    const right = `{"version":1,"changes":${long('{"a":[1,{"b":"c"}]}', "null")},"isLast":false}`;
    const bytes = Buffer.from(right);
    const edges = [0, 1, 10, 13, 22, 23, 24, 25, bytes.length - 16, bytes.length - 15, bytes.length - 1];
    const place = fc.oneof(fc.constantFrom(...edges), fc.nat(bytes.length - 1));
    const wrong = fc.constantFrom(...'[]{},:"\\ 1x\u0000\u00ff');
    fc.assert(
      fc.property(place, wrong, fc.nat(2), (at, one, cut) => {
        const body = Buffer.concat([bytes.subarray(0, at), Buffer.from(one, "latin1"), bytes.subarray(at + cut)]);
        const whole = () => JSON.parse(isUtf8(body) ? body.toString("utf8") : "no UTF-8");
        // Told in short: the list is long.
        expect(
          isDeepStrictEqual(
            outcomeOf(() => parsed(body)),
            outcomeOf(whole),
          ),
        ).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ["a comma too many in the middle", `{"a":${long("1").replace(",1,", ",1,,")}}`],
    ["a comma too many at the end", `{"a":${long("1").slice(0, -1)},]}`],
    ["a comma too many at the beginning", `{"a":[,${long("1").slice(1)}}`],
    ["a comma too many behind a piece", `{"a":[${HUGE},]}`],
    ["a comma too many between pieces", `{"a":[${HUGE},,${HUGE}]}`],
    ["two pieces of one element", `{"a":[${HUGE},${HUGE}]}`],
    ["an end of another kind", `{"a":${long("1").slice(0, -1)}}}`],
    ["no end", `{"a":${long("1")}`],
    ["something behind it", `{"a":${long("1")}}1`],
    ["the same name twice, short last", `{"a":${long("1")},"a":[2]}`],
    ["the same name twice, long last", `{"a":[2],"a":${long("1")}}`],
    ["the same name in other words", `{"a":${long("1")},"\\u0061":[2]}`],
    ["two long lists", `{"a":${long("1")},"b":${long("2")}}`],
    ["a long list within a list", `[${long("1")}]`],
    ["a long list on top", long("1")],
    ["a byte order mark", `\ufeff{"a":${long("1")}}`],
    ["two byte order marks", `\ufeff\ufeff{"a":${long("1")}}`],
    ["a long object", `{"a":{"x":${FILLER},"y":[${Array(20).fill(FILLER).join(",")}]}}`],
    ["__proto__ as its name", `{"__proto__":${long("1")}}`],
  ])("says what the whole says: %s", (_, text) => {
    const whole = outcomeOf(() => JSON.parse(text.startsWith("\ufeff") ? text.slice(1) : text));
    expect(
      isDeepStrictEqual(
        outcomeOf(() => parsed(text)),
        whole,
      ),
    ).toBe(true);
  });

  it("refuses bytes that are no UTF-8, also within the list", () => {
    const bytes = Buffer.from(`{"a":${long('"~~"')}}`);
    expect(parsed(bytes)).toMatchObject({ a: expect.arrayContaining(["~~"]) });
    bytes[bytes.indexOf("~~")] = 0xc3;
    expect(outcomeOf(() => parsed(bytes))).toBe("refused");
  });

  it("stops at the depth that is allowed, and doesn't count brackets in texts", () => {
    const nested = (levels: number) => Buffer.from(`{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`);
    expect(scanJson(nested(DEPTH), DEPTH).isTooDeep).toBe(false);
    expect(scanJson(nested(DEPTH + 1), DEPTH).isTooDeep).toBe(true);
    expect(scanJson(Buffer.from(JSON.stringify({ a: '\\"['.repeat(2_000) })), DEPTH).isTooDeep).toBe(false);
  });
});
