/** `uplink job lifecycle`: what is shown, and what of the options is sent. */
import { expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerLifecycleCommands } from "../../cli/lifecycle-commands.ts";
import { serveInTests } from "../support/admin-service.ts";

const { uplink, asked } = serveInTests([registerAdminCommands, registerLifecycleCommands], ({ method, url }) => {
  if (url.endsWith("/configurations")) return undefined;
  const choices = { outOfScope: "disable", expiredAccounts: "ignore", groupDeleteDelayDays: 0 };
  return { jobId: "j1", ...choices, changed: method === "PATCH" };
});
const sent = () =>
  asked().flatMap(({ method, url, body }) =>
    url.endsWith("/configurations") ? [] : [{ method, body: body === "" ? "" : JSON.parse(body) }],
  );

test("job lifecycle shows both choices in words, and asks for nothing", async () => {
  const { code, out } = await uplink("job", "lifecycle", "corp");
  expect({ code, sent: sent() }).toMatchObject({ code: 0, sent: [{ method: "GET" }] });
  expect(out).toMatch(/who leaves the scope\s+is disabled .*\(disable\)\n.*an expired account\s+stays .*\(ignore\)/);
});

test("job lifecycle sends what is chosen, and nothing else", async () => {
  const { code, out } = await uplink("job", "lifecycle", "corp", "--out-of-scope", "disable");
  expect({ code, sent: sent() }).toMatchObject({
    code: 0,
    sent: [{ method: "PATCH", body: { outOfScope: "disable" } }],
  });
  expect(sent()[0]?.body).not.toHaveProperty("expiredAccounts");
  expect(out).toContain("reads everything again");
  expect((await uplink("job", "lifecycle", "corp", "--out-of-scope", "banish")).code).toBe(2);
});

test("job restart forgets what was known of the directory only when it is told to", async () => {
  await uplink("job", "restart", "corp");
  await uplink("job", "restart", "corp", "--reset-watermark");
  await uplink("job", "restart", "corp", "--reset", "None");
  expect(sent().map((own) => own.body)).toEqual([
    "",
    { criteria: { resetScope: "Escrows,QuarantineState,Watermark" } },
    { criteria: { resetScope: "None" } },
  ]);
  expect((await uplink("job", "restart", "corp", "--reset", "None", "--reset-watermark")).code).toBe(2);
});
