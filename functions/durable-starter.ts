/** The durable client of an invocation, as the port that `wakeJob` needs. */
import type { DurableClient } from "durable-functions";
import type { OrchestrationStarter } from "../shared/ports/orchestration-starter.ts";

const ENDED: readonly string[] = ["Completed", "Failed", "Terminated", "Canceled"];

export function createDurableStarter(client: DurableClient): OrchestrationStarter {
  async function status(instanceId: string): Promise<"unknown" | "running" | "ended"> {
    try {
      const found = await client.getStatus(instanceId);
      return ENDED.includes(found.runtimeStatus) ? "ended" : "running";
    } catch (error) {
      // durable-functions 3.5.0 throws a plain Error for an unknown instance; its text is all there is to tell by.
      if (error instanceof Error && error.message.includes("HTTP 404")) return "unknown";
      throw error;
    }
  }
  return {
    status,
    async start(name, instanceId, input) {
      try {
        await client.startNew(name, { instanceId, input });
        return true;
      } catch (error) {
        if ((await status(instanceId)) !== "unknown") return false;
        throw error;
      }
    },
  };
}
