/** The heartbeat: an agent says that it lives, and learns what to read. */
import type { Heartbeat } from "../shared/application/agents/heartbeat.ts";
import { heartbeat } from "../shared/contracts/agent-api.ts";
import type { Route } from "./http-route.ts";
import { plain, serveAgent } from "./serve.ts";

export function heartbeatRoute(beat: Heartbeat): Route {
  return serveAgent(heartbeat, async ({ body }, agent) => plain(await beat(agent, body)));
}
