/** Whether an agent's silence is a fault: of one that was let in, after so long. */
import type { AgentRow } from "../state/agent-rows.ts";

/** Who waits to be let in, or may not speak, is missed by nobody. */
export function isOverdue(status: AgentRow["status"], silentForMs: number, afterMs: number): boolean {
  return (status === "active" || status === "inactive") && silentForMs >= afterMs;
}
