/** Wrong usage: it is told before anybody is asked, with what would be right and where to read more, and ends with 2. */
import { expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands.ts";
import { serveInTests } from "../support/admin-service.ts";

const GUID = "00000000-0000-4000-8000-0000000000aa";
const service = serveInTests(COMMANDS, ({ url }) => {
  if (url.endsWith("/configurations"))
    return { value: [{ id: "c1", jobId: "j1", displayName: "Corp", domainFqdn: "corp.example" }] };
  return Response.json({ error: { code: "x", message: "It was asked.", remedy: "None." } }, { status: 404 });
});

test.each<[string[], string, string]>([
  [["nonsense"], "unknown command 'nonsense'", "uplink"],
  [["job", "nonsense"], "unknown command 'nonsense'", "uplink job"],
  [["job", "show"], "missing required argument 'name'", "uplink job show"],
  [["job", "show", "Corp", "--nonsense"], "unknown option '--nonsense'", "uplink job show"],
  [
    ["job", "restart", "Corp", "--reset", "Escrows,Links"],
    "has 'Links'; there are None, Escrows",
    "uplink job restart",
  ],
  [["job", "create", "x y", "--sign-in", "federated"], "must be the DNS name of a domain", "uplink job create"],
  [["agent", "token", "Corp", "--minutes", "99"], "must be a whole number from 1 to 60", "uplink agent token"],
  [["escrow", "retry", "Corp", "ann"], "must be a GUID", "uplink escrow retry"],
  [["link", "show", "Corp", "ann"], "must be a GUID", "uplink link show"],
  [["link", "join", "Corp", GUID, "ann"], "must be a GUID", "uplink link join"],
  [["link", "move", "Corp", GUID, "ann"], "must be a GUID", "uplink link move"],
  [["link", "rebuild", "Corp", "--backup", "b1"], "--backup needs --from backup", "uplink link rebuild"],
  [["link", "rebuild", "Corp", "--from", "target", "--backup", "b1"], "needs --from backup", "uplink link rebuild"],
  [["link", "rebuild", "Corp", "--apply"], "--apply needs --from", "uplink link rebuild"],
  [["link", "unlink", "Corp", "ann"], "must be a GUID", "uplink link unlink"],
  [["logs", "--object", "ann"], "must be a GUID", "uplink logs"],
])("%j: what is wrong, and where to read more", async (args, told, command) => {
  const { code, err } = await service.uplink(...args);
  expect([code, service.asked().length]).toEqual([2, 0]);
  expect(err).toContain(told);
  expect(err).toContain(`See '${command} --help'.`);
});

test.each([
  [["link", "show", "Corp"], `/links/${GUID}`],
  [["logs", "--object"], `sourceIdentity%2Fid%20eq%20'${GUID}'`],
])("an objectGUID is taken as Active Directory's tools show it: %j", async (args, asked) => {
  await service.uplink(...args, `{${GUID.toUpperCase()}}`);
  expect(
    service
      .asked()
      .map(({ url }) => url)
      .join("\n")
      .replaceAll("%27", "'"),
  ).toContain(asked);
});

test("what a restart resets is taken in any case, and told in Graph's spelling", async () => {
  await service.uplink("job", "restart", "Corp", "--reset", "escrows, watermark");
  const sent = service.asked().find(({ method }) => method === "POST");
  expect(JSON.parse(sent?.body ?? "")).toEqual({ criteria: { resetScope: "Escrows,Watermark" } });
});
