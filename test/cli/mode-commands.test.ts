/** `uplink job mode|reevaluate`, and what `uplink job show` says of exports that are held. */
import { expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerModeCommands } from "../../cli/mode-commands.ts";
import type { JobModeReply } from "../../shared/contracts/admin/jobs.ts";
import { serveInTests } from "../support/admin-service.ts";

const HELD = { because: "first-export" as const, at: "2026-01-05T14:00:00.000Z", by: null };

let reply: JobModeReply;
const { uplink, asked } = serveInTests([registerAdminCommands, registerModeCommands], ({ url }) => {
  if (url.endsWith("/configurations")) return undefined;
  return url.endsWith("/reevaluate") ? { jobId: "j1", workId: "w1" } : reply;
});
const posted = () => asked().filter(({ method }) => method === "POST");

test("a mode is set, and said what it means for exports", async () => {
  reply = { jobId: "j1", mode: "normal", exportsHeld: null, released: true };
  expect(await uplink("job", "mode", "corp", "normal")).toEqual({
    code: 0,
    out: "Corp exports what was held, and goes on exporting.\n",
    err: "",
  });
  expect(posted()).toMatchObject([{ url: "/api/v1.0/uplink/jobs/j1/mode", body: JSON.stringify({ mode: "normal" }) }]);
  reply = { jobId: "j1", mode: "normal", exportsHeld: HELD, released: false };
  expect((await uplink("job", "mode", "corp", "normal")).out).toMatch(
    /first export waits for approval.*whatif approve/,
  );
  reply = { jobId: "j1", mode: "staging", exportsHeld: { ...HELD, because: "staging", by: "ann" }, released: false };
  expect((await uplink("job", "mode", "corp", "staging")).out).toMatch(/mode staging, since .* by ann/);
  expect(JSON.parse((await uplink("job", "mode", "corp", "staging", "--json")).out)).toEqual(reply);
  expect((await uplink("job", "mode", "corp", "half")).code).toBe(2);
});

test("every object is mapped anew when it is asked for", async () => {
  expect(await uplink("job", "reevaluate", "corp")).toEqual({
    code: 0,
    out: "Corp maps every object anew, without a read.\n",
    err: "",
  });
  expect(posted().map(({ url }) => url)).toEqual(["/api/v1.0/uplink/jobs/j1/reevaluate"]);
});
