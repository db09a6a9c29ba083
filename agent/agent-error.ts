/** Expected ends of the agent's program, each with a remedy and an exit code. Failures of the source are `SourceError`s. */
import { SourceError } from "../shared/ports/source-directory.ts";

export type AgentErrorCode =
  | "config-invalid"
  | "already-enrolled"
  | "already-running"
  | "key-missing"
  | "key-exposed"
  | "key-invalid"
  | "outbox-full"
  | "outbox-unusable"
  | "service-unreachable"
  | "service-refused"
  | "no-lease"
  | "no-order";

/** What the program's exit status says. Documented in the help of `uplink agent`. */
export const EXIT = {
  ok: 0,
  defect: 1,
  config: 2,
  source: 3,
  unreachable: 4,
  refused: 5,
  local: 6,
  standby: 7,
} as const;

const EXIT_BY_CODE: Readonly<Record<AgentErrorCode, number>> = {
  "config-invalid": EXIT.config,
  "already-enrolled": EXIT.config,
  "already-running": EXIT.config,
  "key-missing": EXIT.config,
  "key-exposed": EXIT.config,
  "key-invalid": EXIT.config,
  "outbox-full": EXIT.local,
  "outbox-unusable": EXIT.local,
  "service-unreachable": EXIT.unreachable,
  "service-refused": EXIT.refused,
  "no-lease": EXIT.standby,
  "no-order": EXIT.standby,
};

export class AgentError extends Error {
  readonly code: AgentErrorCode;
  readonly remedy: string;
  constructor(code: AgentErrorCode, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentError";
    this.code = code;
    this.remedy = remedy;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof AgentError) return EXIT_BY_CODE[error.code];
  if (error instanceof SourceError) return error.code === "source-config" ? EXIT.config : EXIT.source;
  return EXIT.defect;
}
