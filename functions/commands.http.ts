/** Commands to agents: waited for, and answered. */

import { ok } from "../shared/application/failure.ts";
import type { AgentCommands } from "../shared/application/on-demand/agent-commands.ts";
import { answerCommand, awaitCommands } from "../shared/contracts/agent-commands.ts";
import type { Route } from "./http-route.ts";
import { plain, serveAgent } from "./serve.ts";

export function commandRoutes(commands: AgentCommands): Route[] {
  return [
    serveAgent(awaitCommands, async ({ body }, agent) => plain(await commands.await(agent, body.leaseEpoch))),
    serveAgent(answerCommand, async ({ params, body }, agent) => {
      const done = await commands.answer(agent, params.commandId, body);
      return done.ok ? ok({ body: undefined }) : done;
    }),
  ];
}
