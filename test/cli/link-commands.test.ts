/** `uplink link`: what a link's view says of who holds a value, against a service that answers as the contract says. */
import { expect, test } from "vitest";
import { registerLinkCommands } from "../../cli/link-commands.ts";
import type { LinkReply } from "../../shared/contracts/admin/links.ts";
import { serveInTests } from "../support/admin-service.ts";

const ANN = "00000000-0000-4000-8000-0000000000aa";
const BOB = "00000000-0000-4000-8000-0000000000bb";
const link: LinkReply = {
  ...{ objectGuid: ANN, objectClass: "user", dn: "CN=Ann,DC=corp,DC=example", state: "live", scope: "In scope." },
  ...{ link: null, handedOverTo: null, unlinked: null, lastOutcome: null },
  values: [{ kind: "mail", value: "ann@corp.example", heldBy: `c1:${BOB}` }],
};
const service = serveInTests([registerLinkCommands], ({ url }) =>
  url.endsWith("/configurations")
    ? { value: [{ id: "c1", jobId: "j1", displayName: "Corp", domainFqdn: "corp.example" }] }
    : link,
);

test("who holds a value is named by the job's name, and by its id for programs", async () => {
  const shown = await service.uplink("link", "show", "Corp", `{${ANN.toUpperCase()}}`);
  expect([shown.code, service.asked().some(({ url }) => url.includes(`/links/${ANN}`))]).toEqual([0, true]);
  expect(shown.out).toContain(`ann@corp.example (held by Corp:${BOB})`);
  const { out } = await service.uplink("link", "show", "Corp", ANN, "--json");
  expect(JSON.parse(out)).toEqual(link);
});
