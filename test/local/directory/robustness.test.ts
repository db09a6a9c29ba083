import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildGroup, buildUser, startTestDirectory, type TestDirectory } from "./support.ts";

let directory: TestDirectory;
beforeAll(async () => {
  directory = await startTestDirectory();
});
afterAll(() => directory.close());

const names = fc.constantFrom(
  ...["displayName", "mail", "businessPhones", "usageLocation", "onPremisesExtensionAttributes", "passwordProfile"],
  ...[
    "manager@odata.bind",
    "members@odata.bind",
    "groupTypes",
    "otherMails",
    "constructor",
    "__proto__",
    "toString",
    "@odata.type",
  ],
);
const body = fc.dictionary(fc.oneof(names, fc.string()), fc.jsonValue(), { maxKeys: 4 });

it("answers any body with a 201, 204 or 400, never with a fault of its own", async () => {
  const { id } = (await directory.call("POST", "users", { body: buildUser() })).body;
  await fc.assert(
    fc.asyncProperty(body, async (extra) => {
      const requests = [
        { method: "POST", url: "/users", body: { ...buildUser(), ...extra } },
        { method: "PATCH", url: `/users/${id}`, body: extra },
        { method: "POST", url: "/groups", body: { ...buildGroup(), ...extra } },
      ].map((one, at) => ({ ...one, id: String(at), headers: { "content-type": "application/json" } }));
      const answer = await directory.call("POST", "$batch", { body: { requests } });
      expect(answer.status).toBe(200);
      for (const { status } of answer.body.responses) expect([201, 204, 400, 403]).toContain(status);
    }),
    { numRuns: 120 },
  );
});

it("takes no inherited name for a property", async () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const text = `{"${name}": "x", ${JSON.stringify(buildUser()).slice(1)}`;
    expect((await directory.call("POST", "users", { body: text })).body.error.innerError.rule).toBe("property-unknown");
    const query = await directory.call("GET", `users?$select=${name}`);
    expect(query.body.error.innerError.rule).toBe("select-unknown");
  }
});

it("answers any filter with a 200 or a 400", async () => {
  const piece = fc.constantFrom(
    ...[
      "mail",
      "eq",
      "'x'",
      "(",
      ")",
      ",",
      "and",
      "or",
      "in",
      "startswith",
      "proxyAddresses/any",
      "p",
      ":",
      "null",
      "true",
      " ",
      "'",
    ],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const answer = await directory.call("GET", `users?$top=1&$filter=${encodeURIComponent(pieces.join(" "))}`);
      expect([200, 400]).toContain(answer.status);
    }),
    { numRuns: 120 },
  );
});
