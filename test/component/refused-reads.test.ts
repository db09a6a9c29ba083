/** A question about one object that the target refuses, over Microsoft Graph's adapter: it is that object's failure, and nobody else's. */
import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect, fetchThrough, type Rig } from "../adapters/graph/support.ts";
import { certificateDir, startTestDirectory, type TestDirectory } from "../local/directory/support.ts";
import { aUser, createCloud, guidOf } from "../support/cloud.ts";

type Item = { readonly id: string; readonly method: string; readonly url: string };

let directory: TestDirectory;
let rig: Rig;
let agent: Agent;
/** What is refused of the reads in a batch, with which status. */
let refuses: (url: string) => number | undefined = () => undefined;

/** Between adapter and stand-in: what is refused doesn't come to the latter. */
function refusing(real: typeof fetch): typeof fetch {
  return async (url, init) => {
    const { requests } = (typeof init?.body === "string" ? JSON.parse(init.body) : {}) as { requests?: Item[] };
    const statusOf = ({ method, url: path }: Item) =>
      method === "GET" ? refuses(decodeURIComponent(path).toLowerCase()) : undefined;
    const refused = requests?.filter((item) => statusOf(item) !== undefined) ?? [];
    if (!requests || refused.length === 0) return real(url, init);
    const left = requests.filter((item) => !refused.includes(item));
    const body = { error: { code: "Request_BadRequest", message: "Invalid value specified for a property." } };
    const responses: object[] = refused.map((item) => ({ id: item.id, status: statusOf(item), body }));
    if (left.length > 0) {
      const answer = await real(url, { ...init, body: JSON.stringify({ requests: left }) });
      responses.push(...((await answer.json()) as { responses: object[] }).responses);
    }
    return new Response(JSON.stringify({ responses }), { headers: { "content-type": "application/json" } });
  };
}

beforeAll(async () => {
  directory = await startTestDirectory();
  agent = new Agent({ ca: readFileSync(join(certificateDir, "ca.pem")), keepAlive: true });
  rig = connect(directory, { fetch: refusing(fetchThrough(agent)) });
});
afterAll(async () => {
  rig.close();
  agent.destroy();
  await directory.close();
});

const PEOPLE = Array.from({ length: 40 }, (_, at) => `user${at}`);
const living = (name: string) =>
  [...directory.control.list()].filter(
    ({ properties, deleted }) => !deleted && String(properties["userPrincipalName"]).startsWith(`${name}@`),
  );

/** Everybody is in the target already, by name. */
async function start() {
  refuses = () => undefined;
  const cloud = await createCloud({ targetDirectory: rig.target });
  const domain = await cloud.addDomain("corp.example");
  const escrows = async () => {
    const found = await cloud.cloud.routes.queries.escrows(domain.jobId);
    return found.ok ? found.value.map(({ objectGuid, code }) => [objectGuid, code]) : [];
  };
  const { initialDomain } = await rig.target.describe();
  await rig.target.apply(
    ["odd", ...PEOPLE]
      .filter((name) => living(name).length === 0)
      .map((name) => ({
        kind: "create" as const,
        key: name,
        type: "user" as const,
        values: {
          userPrincipalName: `${name}@${initialDomain}`,
          displayName: "before",
          mailNickname: name,
          accountEnabled: true,
        },
      })),
    { priority: "normal" },
  );
  return { cloud, domain, escrows };
}
const all = ["odd", ...PEOPLE].map((name) => aUser(name));

it("fails that object with its code, and is asked again: the others are matched, and the job goes on", async () => {
  const { cloud, domain, escrows } = await start();
  refuses = (url) => (url.includes("odd@") ? 400 : undefined);
  await domain.read("full", all);
  expect(await escrows()).toEqual([[guidOf("odd"), "IdentityDataValidationFailed"]]);
  expect((await domain.status()).quarantine).toBeNull();
  expect(PEOPLE.every((name) => living(name)[0]?.properties["displayName"] === name)).toBe(true);
  expect(living("odd")).toMatchObject([{ properties: { displayName: "before" } }]);
  refuses = () => undefined;
  cloud.clock.set(cloud.clock.now() + 12 * 3_600_000);
  await cloud.tick();
  await cloud.driver.settled();
  await cloud.run();
  expect(await escrows()).toEqual([]);
  expect(living("odd")).toMatchObject([{ properties: { displayName: "odd" } }]);
});

it("is a fault of the contract when everything is refused, and nobody's failure", async () => {
  const { domain, escrows } = await start();
  refuses = (url) => (url.startsWith("/users?") ? 403 : undefined);
  await domain.read("full", all);
  expect((await domain.status()).quarantine).not.toBeNull();
  expect(await escrows()).toEqual([]);
});
