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
  | "not-found"
  | "conflict"
  | "partly-done"
  | "interrupted"
  | "no-lease"
  | "no-order";

/** What the program's exit status says, for all of its commands: their help shows it from here. */
const STATUSES = {
  ok: [0, "done"],
  no: [1, "done, and the answer is no: errors were found, it came to nothing, something differs"],
  config: [2, "wrong usage or settings, or nobody to talk to"],
  source: [3, "the directory: unreachable, credentials, rights, a faulty file"],
  unreachable: [4, "the service can't be reached, or is busy"],
  refused: [5, "the service refused: the sign-in, the role, or what was asked"],
  local: [6, "the disk under the agent's outbox"],
  standby: [7, "no lease or no order within the time given"],
  notFound: [8, "there is no such thing"],
  conflict: [9, "something is there or was changed meanwhile: look again"],
  approval: [10, "it waits for somebody's decision"],
  partly: [11, "partly done: it says what was, and what wasn't"],
  defect: [70, "a defect of the program"],
  interrupted: [130, "interrupted"],
} as const satisfies Record<string, readonly [number, string]>;
type Status = keyof typeof STATUSES;

export const EXIT = Object.fromEntries(Object.entries(STATUSES).map(([name, [code]]) => [name, code])) as {
  readonly [Name in Status]: (typeof STATUSES)[Name][0];
};

/** A line for each status, or for those that are named. */
export function exitHelp(...names: readonly Status[]): string {
  const shown = names.length === 0 ? (Object.keys(STATUSES) as Status[]) : names;
  return `Exit codes:\n${shown.map((name) => `  ${String(STATUSES[name][0]).padEnd(4)}${STATUSES[name][1]}`).join("\n")}`;
}

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
  "not-found": EXIT.notFound,
  conflict: EXIT.conflict,
  "partly-done": EXIT.partly,
  interrupted: EXIT.interrupted,
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
