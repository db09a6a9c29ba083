/** RFC 2849: tables of what is read and refused, and laws over arbitrary records and chunk borders. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LdifRecord, parseLdif } from "../../../agent/source/ldif/ldif-parser.ts";

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function parse(text: string | Buffer, size = 1 << 16): Promise<LdifRecord[]> {
  const records: LdifRecord[] = [];
  const bytes = typeof text === "string" ? Buffer.from(text, "utf8") : text;
  for await (const record of parseLdif(chunksOf(bytes, size), "test.ldif")) records.push(record);
  return records;
}

function plain(records: readonly LdifRecord[]) {
  return records.map((record) => ({
    dn: record.dn,
    ...Object.fromEntries(
      [...record.attributesByName].map(([key, { values }]) => [key, values.map((value) => value.toString("utf8"))]),
    ),
  }));
}

describe("reads", () => {
  it.each<[string, string, object[]]>([
    ["nothing", "", []],
    ["a version line alone", "version: 1\n", []],
    ["comments alone", "# one\n#  two\n continued\n\n", []],
    ["a record", "version: 1\n\ndn: cn=a\ncn: a\nsn: b\n\n", [{ dn: "cn=a", cn: ["a"], sn: ["b"] }]],
    ["a version line directly before the record", "version: 1\ndn: cn=a\ncn: a\n\n", [{ dn: "cn=a", cn: ["a"] }]],
    ["several values of one name, in any case", "dn: cn=a\nmail: 1\nMAIL: 2\n\n", [{ dn: "cn=a", mail: ["1", "2"] }]],
    [
      "a continued line",
      "dn: cn=a\ndescription: one\n  two\n three\n\n",
      [{ dn: "cn=a", description: ["one twothree"] }],
    ],
    ["a continued name", "dn: cn=a\ndescr\n iption: x\n\n", [{ dn: "cn=a", description: ["x"] }]],
    ["base64", "dn:: Y249w6Q=\nsn:: w6Q=\n\n", [{ dn: "cn=ä", sn: ["ä"] }]],
    ["continued base64", "dn: cn=a\nsn:: w6\n Q=\n\n", [{ dn: "cn=a", sn: ["ä"] }]],
    ["UTF-8 as it stands", "dn: cn=Zoë\nsn: Ł\n\n", [{ dn: "cn=Zoë", sn: ["Ł"] }]],
    ["carriage returns", "dn: cn=a\r\nsn: b\r\n\r\n", [{ dn: "cn=a", sn: ["b"] }]],
    ["no space after the colon, and several", "dn:cn=a\nsn:    b\n\n", [{ dn: "cn=a", sn: ["b"] }]],
    ["colons in values", "dn: cn=a\nproxyAddresses: SMTP:a@b\n\n", [{ dn: "cn=a", proxyaddresses: ["SMTP:a@b"] }]],
    ["an empty value", "dn: cn=a\ninfo:\n\n", [{ dn: "cn=a", info: [""] }]],
    ["a comment within a record", "dn: cn=a\n# x: y\n continued\nsn: b\n\n", [{ dn: "cn=a", sn: ["b"] }]],
    [
      "options",
      "dn: cn=a\nuserCertificate;binary:: AAE=\n\n",
      [{ dn: "cn=a", "usercertificate;binary": ["\u0000\u0001"] }],
    ],
    [
      "many empty lines",
      "\n\n\ndn: cn=a\nsn: b\n\n\n\ndn: cn=c\nsn: d\n\n\n",
      [
        { dn: "cn=a", sn: ["b"] },
        { dn: "cn=c", sn: ["d"] },
      ],
    ],
    ["past referrals", "# Referral\nref: ldap://x/cn=y\n\ndn: cn=a\nsn: b\n\n", [{ dn: "cn=a", sn: ["b"] }]],
    ["past the result of a search", "dn: cn=a\nsn: b\n\nsearch: 2\nresult: 0 Success\n\n", [{ dn: "cn=a", sn: ["b"] }]],
    ["past a byte order mark", "\ufeffversion: 1\ndn: cn=a\nsn: b\n\n", [{ dn: "cn=a", sn: ["b"] }]],
    ["trailing comments", "dn: cn=a\nsn: b\n\n# returned 1 records\n# 1 entries\n", [{ dn: "cn=a", sn: ["b"] }]],
  ])("%s", async (_name, text, expected) => {
    expect(plain(await parse(text))).toEqual(expected);
    expect(plain(await parse(text, 1))).toEqual(expected);
  });
});

describe("refuses", () => {
  it.each<[string, string, string, RegExp]>([
    [
      "a value by URL",
      "dn: cn=a\njpegPhoto:< file:///etc/passwd\n\n",
      "source-record",
      /line 2 .*jpegPhoto.*URL.*cn=a/,
    ],
    ["bad base64", "dn: cn=a\nsn:: !!\n\n", "source-record", /line 2 .*base64/],
    ["a change", "dn: cn=a\nchangetype: delete\n\n", "source-record", /is a change/],
    ["a line without a colon", "dn: cn=a\nnonsense\n\n", "source-record", /line 2/],
    ["a record without a DN", "sn: b\n\n", "source-record", /line 1 .*dn:/],
    ["a continuation of nothing", "\n x\n", "source-record", /line 2/],
    ["another version", "version: 2\n\n", "source-record", /version 1/],
    [
      "two records run together",
      "dn: cn=a\nsn: b\ndn: cn=c\nsn: d\n\n",
      "source-record",
      /line 3 .*cn=c.*'cn=a' of line 1.*empty line/,
    ],
    [
      "two records run together, in base64 and capitals",
      "dn: cn=a\nDN:: Y249w6Q=\n\n",
      "source-record",
      /line 2 .*cn=ä/,
    ],
    ["an empty line that has a blank", "dn: cn=a\nsn: b\n \ndn: cn=c\nsn: d\n\n", "source-record", /line 4 .*cn=c/],
    ["a record run together with a referral", "ref: ldap://x\ndn: cn=c\n\n", "source-record", /line 2 .*cn=c.*ref/],
    [
      "a record run together with a result",
      "search: 2\nresult: 0 Success\nDN: cn=c\n\n",
      "source-record",
      /line 3 .*cn=c/,
    ],
    ["a record without DN run together with a referral", "ref: ldap://x\ncn: c\n\n", "source-record", /line 2 .*'cn'/],
    [
      "an export that met a limit",
      "dn: cn=a\nsn: b\n\nsearch: 2\nresult: 4 Size limit exceeded\n\n",
      "source-incomplete",
      /line 5.*Size limit/,
    ],
    ["an end within a line", "dn: cn=a\nsn: b", "source-incomplete", /inside a line/],
    ["an end within a record", "dn: cn=a\nsn: b\n\ndn: cn=c\nsn: d\n", "source-incomplete", /line 4/],
  ])("%s", async (_name, text, code, message) => {
    const error = await parse(text).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

const value = fc
  .oneof(fc.string({ unit: "grapheme", maxLength: 90 }), fc.string({ maxLength: 200 }))
  .map((text) => text.normalize());
const record = fc.record({
  dn: fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
  attributes: fc.array(fc.tuple(fc.constantFrom("cn", "sn", "description", "jpegPhoto", "x-y"), value), {
    maxLength: 6,
  }),
});

/** Writes as RFC 2849 says, folded at `width`. */
function write(
  records: readonly { dn: string; attributes: [string, string][] }[],
  width: number,
  newline: string,
): string {
  const line = (name: string, text: string) => {
    const isSafe = /^[\x21-\x39\x3b\x3d-\x7e][\x20-\x7e]*$/.test(text) && !/^[ :<#]/.test(text) && !text.endsWith(" ");
    const whole = isSafe ? `${name}: ${text}` : `${name}:: ${Buffer.from(text, "utf8").toString("base64")}`;
    const parts = [whole.slice(0, width)];
    for (let at = width; at < whole.length; at += width - 1) parts.push(` ${whole.slice(at, at + width - 1)}`);
    return parts.join(newline);
  };
  return records
    .map(({ dn, attributes }) =>
      [line("dn", dn), ...attributes.map(([name, text]) => line(name, text)), "", ""].join(newline),
    )
    .join("");
}

describe("laws", () => {
  it("what was written is read, wherever lines are folded and chunks end", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 4 }),
        fc.integer({ min: 5, max: 80 }),
        fc.constantFrom("\n", "\r\n"),
        fc.integer({ min: 1, max: 50 }),
        async (records, width, newline, size) => {
          const read = await parse(
            write(records as { dn: string; attributes: [string, string][] }[], width, newline),
            size,
          );
          const flat = read.map(({ dn, attributesByName }) => ({
            dn,
            values: [...attributesByName.values()].map(({ name, values }) => [
              name,
              ...values.map((one) => one.toString("utf8")),
            ]),
          }));
          const expected = records.map(({ dn, attributes }) => ({
            dn,
            values: [...new Set(attributes.map(([name]) => name))].map((name) => [
              name,
              ...attributes.filter(([other]) => other === name).map(([, text]) => text),
            ]),
          }));
          expect(flat).toEqual(expected);
        },
      ),
    );
  });

  it("a file that was cut anywhere but between records is incomplete or faulty, never shorter", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 3 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (records, at) => {
          const bytes = Buffer.from(
            write(records as { dn: string; attributes: [string, string][] }[], 76, "\n"),
            "utf8",
          );
          const cut = bytes.subarray(0, Math.floor(at * bytes.length));
          const isBetween = cut.length === 0 || cut.subarray(-2).toString() === "\n\n";
          const outcome = await parse(cut).then(
            () => "read",
            (error: { code: string }) => error.code,
          );
          if (isBetween) expect(outcome).toBe("read");
          else expect(["source-incomplete", "source-record"]).toContain(outcome);
        },
      ),
    );
  });
});
