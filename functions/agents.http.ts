/** The agents of a configuration, as admins see them and let them in or shut them out. */
import type { AdminQueries } from "../shared/application/admin/admin-queries.ts";
import type { AgentAction, AgentAdmin, AgentState } from "../shared/application/agents/agent-admin.ts";
import { ok, type Result } from "../shared/application/failure.ts";
import { type Configurations, noSuchConfiguration } from "../shared/application/jobs/configurations.ts";
import { actOnAgent, getAgent, listAgents } from "../shared/contracts/admin/agents.ts";
import type { Route } from "./http-route.ts";
import { expectEtag, pagedBy, type Served, serveAdmin } from "./serve.ts";

export function agentRoutes({
  configurations,
  queries,
  agents,
}: {
  readonly configurations: Configurations;
  readonly queries: AdminQueries;
  readonly agents: AgentAdmin;
}): Route[] {
  return [
    serveAdmin(listAgents, async (asked) => {
      const id = asked.params.configurationId;
      const entry = (await configurations.all()).find((own) => own.configurationId === id);
      if (!entry) return noSuchConfiguration(id);
      return pagedBy(asked, ok(await queries.agents(id, entry.jobId)), ({ agentId }) => agentId);
    }),
    serveAdmin(getAgent, async ({ params }) => withEtag(await agents.show(params.configurationId, params.agentId))),
    serveAdmin(actOnAgent, async ({ params: { configurationId, agentId, action }, ifMatch }, admin) =>
      withEtag(
        // The path's own pattern lets no other action through.
        await agents.act(configurationId, agentId, action as AgentAction, admin.id, (now) =>
          expectEtag(`Agent ${agentId}`, ifMatch, etagOf(now)),
        ),
      ),
    ),
  ];
}

function etagOf({ status, keyId, isCloned }: AgentState): string {
  return [status, keyId, isCloned ? "cloned" : "whole"].join(".");
}

function withEtag<T extends AgentState>(shown: Result<T>): Result<Served<T>> {
  return shown.ok ? ok({ body: shown.value, etag: etagOf(shown.value) }) : shown;
}
