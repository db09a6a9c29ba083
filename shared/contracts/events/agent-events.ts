/** What the agent beside the directory tells. */
import { debug, info, warn } from "./event.ts";

export const AGENT_EVENTS = {
  "agent-started": info("The agent runs.", "name", "agentId", "url", "source"),
  "agent-stopped": info("The agent ended in good order."),
  "agent-pending": info("An admin must approve this agent first.", "message"),
  standby: info("Another agent has the domain's lease.", "message"),
  "scope-object-missing": info("What the scope names can't be read; nothing is read until it is back.", "message"),
  "scope-found-again": info("What the scope names can be read again."),
  "read-started": info("The agent begins a read.", "kind", "readNo", "reason", "visibility"),
  "read-finished": info("Every batch of a read was accepted.", "kind", "readNo", "objects", "batches"),
  "read-lost": info("The read belongs to another agent now.", "readNo", "why"),
  "read-conflict": info("The service expects another batch; the agent asks again.", "readNo", "code", "message"),
  "read-failed": warn("The directory could not be read.", "code", "message", "remedy"),
  "cookie-refused": info("The directory server doesn't take the watermark; a full read follows.", "readNo", "message"),
  "outbox-found": info("Batches of before the last stop are sent first.", "batches", "readNo"),
  "outbox-dropped": info("Batches of before are not expected any more.", "readNo", "code"),
  "service-failed": warn("The service refused a request.", "code", "status", "message", "remedy"),
  "service-retry": debug("A request is sent again.", "code", "status", "attempt", "milliseconds"),
  "service-waiting": warn("The service can't be reached; the agent goes on trying.", "code", "message", "remedy"),
  "heartbeat-failed": debug("A heartbeat in the middle of a read failed.", "code"),
  "commands-unavailable": debug("The service's commands can't be had now.", "code", "status", "message"),
  "command-unknown": warn("The service asked for something that this agent doesn't know.", "commandId", "kind"),
  "command-answered": info("The agent did what was asked.", "commandId", "outcome", "refused?"),
  "directory-connected": debug("The directory answered.", "server", "samba"),
  "object-unreadable": warn("An object that was reported can't be read.", "objectGuid"),
  "ldif-references-unresolved": warn("References in the file name nobody who is in it.", "count"),
} as const;
