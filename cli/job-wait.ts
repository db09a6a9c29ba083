/** Waits until a job has nothing more to do by itself, and says what it then needs of somebody. */
import { rest } from "../agent/rest.ts";
import type { ConfigurationReply } from "../shared/contracts/admin/configurations.ts";
import type { AdminClient } from "./admin-client.ts";
import { createProgressLine } from "./progress-line.ts";
import { factsOfJob, isBusy, type Need, needsOf } from "./status-needs.ts";
import type { Terminal } from "./terminal.ts";

const POLL_MS = 1_000;

/** `isOver` false: it was interrupted, or what waits can't go on before somebody did something. */
export async function waitForJob(
  client: AdminClient,
  configuration: ConfigurationReply,
  terminal: Terminal,
): Promise<{ readonly isOver: boolean; readonly needs: readonly Need[] }> {
  const line = createProgressLine(terminal);
  try {
    for (;;) {
      const facts = await factsOfJob(client, configuration);
      const { status } = facts;
      const isOver = !isBusy(status);
      const isStuck = status.quarantine !== null || status.trouble !== null || status.state === "paused";
      const hasReader = facts.agents.some((agent) => agent.status === "active");
      if (isOver || isStuck || !hasReader || terminal.stop.aborted) return { isOver, needs: needsOf(facts) };
      const { waiting, openRead } = status;
      const what = openRead
        ? `read ${openRead.readNo}: ${openRead.objects} objects, ${waiting.processed} of ${waiting.changes} changes processed`
        : `${waiting.processed} of ${waiting.changes} changes processed`;
      line.show(what, waiting.processed, openRead || waiting.changes === 0 ? undefined : waiting.changes);
      await rest(POLL_MS, terminal.stop);
    }
  } finally {
    line.clear();
  }
}
