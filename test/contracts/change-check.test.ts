/** The quick check of batches takes and refuses what their schema takes and refuses, and with the schema's own words. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BATCH_MAX_CHANGES, Change, ChangeBatch } from "../../shared/contracts/change.ts";
import { arePlainlyRight, checkedBatch } from "../../shared/contracts/change-check.ts";

const GUID = "0f8fad5b-d9cb-469f-a165-70867728950e";

const headOf = (changes: unknown) => ({
  ...{ version: 1, batchId: "job-1-1", jobId: "job", readNo: 1, sequence: 1, kind: "full", leaseEpoch: 1 },
  ...{ schemaVersion: 1, scopeVersion: 1, attributeSetHash: "hash", visibility: "complete", watermarkBefore: null },
  domain: { objectGuid: GUID, sid: "S-1-5-21-1-2-3", fqdn: "corp.example" },
  dsa: { invocationId: GUID, dnsName: "dc1", highestCommittedUsn: "12" },
  isLast: false,
  changes,
});

/** As JSON brings it. */
function expectTheSame(batch: unknown): boolean {
  const value: unknown = JSON.parse(JSON.stringify(batch));
  const [own, wanted] = [checkedBatch.safeParse(value), ChangeBatch.safeParse(value)];
  expect(own.success).toBe(wanted.success);
  expect(own.data).toEqual(wanted.data);
  expect(own.error?.issues).toEqual(wanted.error?.issues);
  return own.success;
}

const guid = fc.oneof(
  { weight: 8, arbitrary: fc.uuid() },
  fc.constantFrom(GUID.toUpperCase(), `{${GUID}}`, "", "x", 1, null),
);
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("title", "cn", "msDS-cloudExtensionAttribute1", "a".repeat(256)) },
  fc.constantFrom("1st", "", "a b", "a".repeat(257), "__proto__x", "constructor", "ü", "toString"),
);
const text = fc.oneof({ weight: 8, arbitrary: fc.string() }, fc.constantFrom("", 1, null, [], {}));
const base64 = fc.oneof(fc.base64String(), fc.constantFrom("=", "A===", "A A", "", 1));
const value = fc.oneof(
  { weight: 12, arbitrary: fc.string() },
  { weight: 4, arbitrary: fc.record({ base64 }) },
  fc.constantFrom<unknown>(1, null, true, [], {}, { base64: "AA==", more: 1 }, ["a"]),
);
const values = fc.oneof(
  { weight: 12, arbitrary: fc.array(value, { maxLength: 3 }) },
  fc.constantFrom<unknown>("a", null, {}),
);
const attributes = fc.oneof(
  { weight: 12, arbitrary: fc.dictionary(name.map(String), values, { maxKeys: 4 }) },
  fc.constantFrom<unknown>(null, [], "a"),
);
const linkValues = fc.array(
  fc.record({ guid, sid: fc.constantFrom("S-1-5-1", "x"), dn: text }, { requiredKeys: ["guid"] }),
  {
    maxLength: 2,
  },
);
const link = fc.record({
  ...{ attribute: fc.constantFrom("member", "Member", "manager", ""), mode: fc.constantFrom("delta", "replace", "x") },
  ...{ add: linkValues, remove: linkValues, part: fc.constantFrom(0, 1, -1, 0.5), last: fc.boolean() },
});
const more = fc.constantFrom({}, {}, {}, {}, {}, {}, { more: 1 }, { changes: [] }, { dn: "CN=a" }, { reason: "scope" });
const change = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom("upsert", "upsert", "upsert", "leave", "delete", "container") },
      fc.constantFrom("explode", "", null, 1),
    ),
    fc.record(
      {
        objectClass: text,
        dn: text,
        reason: text,
        attributes,
        changed: fc.array(name),
        links: fc.array(link),
        parentGuid: guid,
      },
      { requiredKeys: ["objectClass", "dn", "reason", "attributes"] },
    ),
    guid,
    more,
    fc.boolean(),
  )
  .map(([op, fields, objectGuid, extra, isWhole]) => {
    const own: Record<string, readonly string[]> = {
      upsert: ["objectClass", "dn", "attributes", "changed", "links", "parentGuid"],
      container: ["objectClass", "dn", "parentGuid"],
      leave: ["reason"],
    };
    const kept = Object.entries(fields).filter(([field]) => (own[String(op)] ?? []).includes(field));
    return { op, objectGuid, ...Object.fromEntries(isWhole ? kept : kept.slice(1)), ...extra };
  });

describe("the quick check of a batch", () => {
  it("says of any change what the schema says, path and words", () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
        if (expectTheSame(headOf(changes))) taken++;
      }),
      { numRuns: 1_000 },
    );
    // Neither side is seldom.
    expect(taken).toBeGreaterThan(100);
    expect(taken).toBeLessThan(900);
  });

  it("takes nothing for right that the schema refuses, and most of what it takes", () => {
    let [right, quick] = [0, 0];
    fc.assert(
      fc.property(change, (own) => {
        const one: unknown = JSON.parse(JSON.stringify(own));
        const isRight = Change.safeParse(one).success;
        const isQuick = arePlainlyRight([one]);
        if (isQuick) expect(isRight).toBe(true);
        if (isRight) right++;
        if (isQuick) quick++;
      }),
      { numRuns: 3_000 },
    );
    expect(quick).toBe(right);
  });

  it("leaves all around the changes to the schema", () => {
    const changes = [{ op: "delete", objectGuid: GUID }];
    const right = headOf(changes);
    expect(expectTheSame(right)).toBe(true);
    for (const field of Object.keys(right)) {
      expect(expectTheSame({ ...right, [field]: undefined })).toBe(false);
      expect(expectTheSame({ ...right, [field]: { more: 1 } })).toBe(false);
    }
    for (const spoilt of [{ isLast: true }, { more: 1 }, { version: 2 }, { changes: { length: 1 } }, { readNo: 0 }])
      expect(expectTheSame({ ...right, ...spoilt })).toBe(false);
    for (const none of [null, "batch", [], [right], 1]) expect(expectTheSame(none)).toBe(false);
    // Several faults at once: all of them are told.
    expectTheSame({ ...right, readNo: 0, changes: [{ op: "delete", objectGuid: "x" }, { op: "leave" }] });
  });

  it("takes as many changes as fit, and no more", () => {
    const one = { op: "delete", objectGuid: GUID };
    expect(expectTheSame(headOf(Array(BATCH_MAX_CHANGES).fill(one)))).toBe(true);
    expect(expectTheSame(headOf(Array(BATCH_MAX_CHANGES + 1).fill(one)))).toBe(false);
  });
});
