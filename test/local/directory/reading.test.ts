import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { behaviour, refusalOf, refusedBy, rule, startTestDirectory, type TestDirectory, tenantId } from "./support.ts";

let directory: TestDirectory;
let ids: string[];
beforeAll(async () => {
  directory = await startTestDirectory();
  ids = directory.control.seed([
    ...Array.from({ length: 250 }, (_, at) => ({
      properties: {
        userPrincipalName: `p${at}@contoso.example`,
        mail: `p${at}@contoso.example`,
        displayName: `Person ${at}`,
        department: at % 2 === 0 ? "Even" : "Odd",
        accountEnabled: at !== 7,
        onPremisesImmutableId: `QUJD${String(at).padStart(4, "0")}`,
      },
    })),
    {
      properties: {
        userPrincipalName: "o'brien@contoso.example",
        displayName: "O'Brien",
        proxyAddresses: ["SMTP:obrien@contoso.example", "smtp:bob@contoso.example", "x500:/o=Old"],
      },
    },
  ]);
});
afterAll(() => directory.close());

const find = async (filter: string, more = ""): Promise<string[]> => {
  const answer = await directory.call("GET", `users?$filter=${encodeURIComponent(filter)}&$select=displayName${more}`);
  if (answer.status !== 200) throw new Error(refusalOf(answer));
  return answer.body.value.map((user: { displayName: string }) => user.displayName);
};

describe("$filter", () => {
  it.each([
    ["userPrincipalName eq 'P7@contoso.example'", ["Person 7"]],
    ["mail eq 'p8@CONTOSO.example'", ["Person 8"]],
    ["onPremisesImmutableId eq 'QUJD0009'", ["Person 9"]],
    ["onPremisesImmutableId eq 'qujd0009'", []],
    ["accountEnabled eq false", ["Person 7"]],
    ["displayName eq 'O''Brien'", ["O'Brien"]],
    ["proxyAddresses/any(p:p eq 'smtp:BOB@contoso.example')", ["O'Brien"]],
    ["proxyAddresses/any(p:p eq 'X500:/o=Old')", ["O'Brien"]],
    ["proxyAddresses/any(x:startswith(x,'smtp:bo'))", ["O'Brien"]],
    [
      "startswith(displayName,'person 24')",
      ["24", "240", "241", "242", "243", "244", "245", "246", "247", "248", "249"].map((n) => `Person ${n}`),
    ],
    [
      "startsWith(displayName,'Person 1') and department eq 'Odd' and (mail eq 'p1@contoso.example' or mail eq 'p10@contoso.example')",
      ["Person 1"],
    ],
    [
      "userPrincipalName eq 'p3@contoso.example' or mail eq 'p2@contoso.example' or mail eq 'p3@contoso.example'",
      ["Person 2", "Person 3"],
    ],
    ["userPrincipalName in ('p5@contoso.example', 'p4@contoso.example')", ["Person 4", "Person 5"]],
    ["department eq null", ["O'Brien"]],
    ["mail eq 'nobody@contoso.example'", []],
  ])("%s", async (filter, expected) => {
    expect(await find(filter)).toEqual(expected);
  });

  it.each([
    "displayName ne 'x'",
    "endswith(mail,'example')",
    "aboutMe eq 'x'",
    "proxyAddresses eq 'x'",
    "displayName eq x",
    "(displayName eq 'x'",
    "displayName eq 'x' displayName eq 'y'",
    "",
    "displayName/any(p:p eq 'x')",
    "displayName eq 'x",
  ])(`${rule("filter-unsupported")} (%s)`, async (filter) => {
    const answer = await directory.call("GET", `users?$filter=${encodeURIComponent(filter)}`);
    expect(refusalOf(answer)).toBe(refusedBy("filter-unsupported"));
  });

  it(rule("filter-or-15"), async () => {
    const some = (count: number) =>
      Array.from({ length: count }, (_, at) => `mail eq 'p${at}@contoso.example'`).join(" or ");
    expect(await find(some(15))).toHaveLength(15);
    await expect(find(some(16))).rejects.toThrow(refusedBy("filter-or-15"));
  });

  it("takes a plus sign in an address for a blank, as Graph does", async () => {
    const [id] = directory.control.seed([
      { properties: { userPrincipalName: "plus@contoso.example", onPremisesImmutableId: "a+b=" } },
    ]);
    const raw = await directory.call("GET", "users?$filter=onPremisesImmutableId+eq+'a+b='&$select=id");
    expect(raw.body.value).toEqual([]);
    const encoded = await directory.call("GET", "users?$filter=onPremisesImmutableId+eq+'a%2Bb%3D'&$select=id");
    expect(encoded.body.value).toEqual([{ id }]);
    await directory.call("DELETE", `users/${id}`);
  });
});

describe("pages", () => {
  it(behaviour("pages-linked"), async () => {
    const seen: string[] = [];
    const sizes: number[] = [];
    let next: string | undefined = "users?$select=id";
    while (next) {
      const { body } = await directory.call("GET", next);
      sizes.push(body.value.length);
      seen.push(...body.value.map((user: { id: string }) => user.id));
      next = body["@odata.nextLink"];
    }
    expect(sizes).toEqual([100, 100, 51]);
    expect(seen).toEqual(ids);
  });
  it("keeps filter and size in the next link, and loses nobody when somebody is deleted between pages", async () => {
    const gone = directory.control.seed([
      { properties: { userPrincipalName: "gone@contoso.example", department: "Even" } },
    ])[0];
    const first = (await directory.call("GET", "users?$filter=department%20eq%20'Even'&$top=60&$select=id")).body;
    await directory.call("DELETE", `users/${gone}`);
    const second = (await directory.call("GET", first["@odata.nextLink"])).body;
    const third = (await directory.call("GET", second["@odata.nextLink"])).body;
    expect([first.value.length, second.value.length, third.value.length]).toEqual([60, 60, 5]);
    expect(third["@odata.nextLink"]).toBeUndefined();
  });
  it.each(["0", "1000", "ten"])(`${rule("top-range")} (%s)`, async (top) => {
    expect(refusalOf(await directory.call("GET", `users?$top=${top}`))).toBe(refusedBy("top-range"));
  });
  it(rule("skiptoken-invalid"), async () => {
    expect(refusalOf(await directory.call("GET", "users?$skiptoken=abc"))).toBe(refusedBy("skiptoken-invalid"));
  });
});

describe("what is asked", () => {
  it(rule("select-unknown"), async () => {
    for (const query of [
      "$select=id,shoeSize",
      "$select=manager",
      "$expand=drive",
      "$expand=manager($select=shoeSize)",
    ]) {
      expect(refusalOf(await directory.call("GET", `users?${query}`))).toBe(refusedBy("select-unknown"));
    }
  });
  it(rule("query-option-unsupported"), async () => {
    for (const query of ["$orderby=displayName", "$search=x", "$count=true", "$skip=5"]) {
      expect(refusalOf(await directory.call("GET", `users?${query}`))).toBe(refusedBy("query-option-unsupported"));
    }
  });
  it(rule("segment-unknown"), async () => {
    for (const [path, segment] of [
      ["people", "people"],
      ["users/x/photo", "photo"],
      ["/beta/users", "beta"],
      ["users/%E0%A4%A", "users/%E0"],
    ]) {
      const answer = await directory.call("GET", path!);
      expect(refusalOf(answer)).toBe(refusedBy("segment-unknown"));
      expect(answer.body.error.message).toContain(segment);
    }
  });
  it(rule("method-not-allowed"), async () => {
    expect(refusalOf(await directory.call("PUT", "users", { body: {} }))).toBe(refusedBy("method-not-allowed"));
  });
  it(rule("body-unreadable"), async () => {
    for (const body of ["{", "[]", "7"]) {
      expect(refusalOf(await directory.call("POST", "users", { body }))).toBe(refusedBy("body-unreadable"));
    }
    expect(refusalOf(await directory.call("POST", "users"))).toBe(refusedBy("body-unreadable"));
    const headers = { "content-type": "text/plain" };
    const plain = await directory.call("POST", "users", { body: "{}", headers });
    expect(refusalOf(plain)).toBe(refusedBy("body-unreadable"));
    const long = await directory.call("POST", "users", { body: { displayName: "x".repeat(4 * 1024 * 1024) } });
    expect(refusalOf(long)).toBe("413 BadRequest body-unreadable");
  });
  it(behaviour("request-ids"), async () => {
    const id = "5f3b1e4a-0000-4000-8000-000000000001";
    const answer = await directory.call("GET", "users/absent", { headers: { "client-request-id": id } });
    expect(answer.headers["request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers["client-request-id"]).toBe(id);
    expect(answer.body.error.innerError).toMatchObject({
      "client-request-id": id,
      "request-id": answer.headers["request-id"],
    });
  });
});

describe("lookups", () => {
  it("reads objects by their ids and leaves absent ones out", async () => {
    const asked = [ids[3]!, ids[1]!, "00000000-0000-4000-8000-000000000000"];
    const answer = await directory.call("POST", "directoryObjects/getByIds", { body: { ids: asked, types: ["user"] } });
    expect(answer.body.value).toMatchObject([
      { "@odata.type": "#microsoft.graph.user", id: ids[3] },
      { "@odata.type": "#microsoft.graph.user", id: ids[1] },
    ]);
    const groups = await directory.call("POST", "directoryObjects/getByIds", {
      body: { ids: asked, types: ["group"] },
    });
    expect(groups.body.value).toEqual([]);
    expect((await directory.call("GET", `directoryObjects/${ids[3]}`)).body.displayName).toBe("Person 3");
  });
  it(rule("get-by-ids-1000"), async () => {
    const body = { ids: Array.from({ length: 1001 }, (_, at) => String(at)) };
    expect(refusalOf(await directory.call("POST", "directoryObjects/getByIds", { body }))).toBe(
      refusedBy("get-by-ids-1000"),
    );
  });
  it("names the tenant, its verified domains, and which is the initial one", async () => {
    const [organization] = (await directory.call("GET", "organization")).body.value;
    expect(organization.id).toBe(tenantId);
    const domains = (await directory.call("GET", "domains")).body.value;
    expect(domains.map((domain: { id: string }) => domain.id)).toEqual([
      "uplinkdemo.onmicrosoft.com",
      "contoso.example",
      "federated.example",
    ]);
    expect(domains[0]).toMatchObject({ isInitial: true, isVerified: true, authenticationType: "Managed" });
    expect(domains[2]).toMatchObject({ isInitial: false, authenticationType: "Federated" });
    expect(organization.verifiedDomains[0]).toMatchObject({ name: "uplinkdemo.onmicrosoft.com", isInitial: true });
  });
});
