/** The heartbeat: an agent says that it lives, and learns what to read. */
import { ok } from "../shared/application/failure.ts";
import type { Heartbeat } from "../shared/application/heartbeat.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import { AGENT_ROUTES, HeartbeatRequest } from "../shared/contracts/agent-api.ts";
import type { Route } from "./http-route.ts";

export function heartbeatRoute(heartbeat: Heartbeat): Route {
  return {
    name: "Heartbeat",
    methods: ["POST"],
    route: AGENT_ROUTES.heartbeat,
    guard: "agent",
    handle: async (request, agent) => {
      const parsed = parseJson(request.body, HeartbeatRequest, "heartbeat");
      if (!parsed.ok) return parsed;
      const reply = await heartbeat(agent, parsed.value);
      return reply.ok ? ok({ status: 200, body: reply.value }) : reply;
    },
  };
}
