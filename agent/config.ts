/**
 * The agent's configuration: a JSON file that enrolment writes and an admin may edit. Read once, parsed once; what is wrong is
 * said all at once, each with its remedy. It holds no secret: the key and the password are elsewhere.
 */
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { AgentError } from "./agent-error.ts";
import { writeDurably } from "./durable-file.ts";
import { fileFault } from "./file-fault.ts";
import { LdapSettings } from "./source/ldap/settings.ts";
import { LdifSettings } from "./source/ldif/settings.ts";

export const AGENT_CONFIG_VERSION = 1;

export const Intervals = z.strictObject({
  /** First and longest pause after a failure of the source or the service. */
  retryFirstSeconds: z.number().positive().max(3600).default(5),
  retryMostSeconds: z.number().positive().max(86_400).default(300),
  /** A directory where nothing changes still moves its watermark this often. */
  watermarkMinutes: z.number().positive().max(10_080).default(60),
});
export type Intervals = z.infer<typeof Intervals>;

export const SourceSettings = z.discriminatedUnion("kind", [LdapSettings, LdifSettings]);
export type SourceSettings = z.infer<typeof SourceSettings>;

const AgentConfigFile = z.strictObject({
  version: z.literal(AGENT_CONFIG_VERSION),
  url: z.string().refine(isServiceUrl, "must be https://…; plain http only to 127.0.0.1 or localhost"),
  name: z.string().min(1).max(128),
  agentId: z.string().min(1),
  configurationId: z.string().min(1),
  jobId: z.string().min(1),
  /** Where key and outbox lie; beside the configuration unless set. */
  stateDir: z.string().min(1).optional(),
  source: SourceSettings,
  intervals: Intervals.default(Intervals.parse({})),
});
type AgentConfigFile = z.infer<typeof AgentConfigFile>;

export interface AgentConfig extends Omit<AgentConfigFile, "stateDir"> {
  readonly stateDir: string;
  readonly keyFile: string;
  readonly outboxDir: string;
}

export const CONFIG_FILE = "agent.json";

/** Throws `AgentError` config-invalid with every problem of the file. */
export async function loadAgentConfig(path: string): Promise<AgentConfig> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new AgentError(
      "config-invalid",
      isMissing(error)
        ? `No agent is enrolled here: ${path} isn't there.`
        : `Cannot read ${path}: ${fileFault(error)}.`,
      "Enrol it first (uplink agent enrol --url … --token … --source …), or name the folder of one that is by --state.",
      { cause: error },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AgentError(
      "config-invalid",
      `${path} is not JSON: ${error instanceof Error ? error.message : "it can't be parsed"}.`,
      "Mend the file, or enrol again.",
    );
  }
  return parseAgentConfig(json, path);
}

/** Relative paths in the file are relative to it. Throws `AgentError` config-invalid. */
export function parseAgentConfig(json: unknown, path: string): AgentConfig {
  const parsed = AgentConfigFile.safeParse(json);
  if (!parsed.success) throw invalid(path, parsed.error);
  const folder = dirname(resolve(path));
  const at = (name: string) => (isAbsolute(name) ? name : join(folder, name));
  const stateDir = parsed.data.stateDir === undefined ? folder : at(parsed.data.stateDir);
  return {
    ...parsed.data,
    source: withPaths(parsed.data.source, at),
    stateDir,
    keyFile: join(stateDir, "agent.key.json"),
    outboxDir: join(stateDir, "outbox"),
  };
}

/** Settings of a source as the command line gives them. Throws `AgentError` config-invalid. */
export function parseSourceSettings(json: unknown): SourceSettings {
  const parsed = SourceSettings.safeParse(json);
  if (!parsed.success) throw invalid("the source's settings", parsed.error);
  return withPaths(parsed.data, (name) => resolve(name));
}

export async function writeAgentConfig(
  path: string,
  config: Omit<z.input<typeof AgentConfigFile>, "version">,
): Promise<AgentConfig> {
  const file = { version: AGENT_CONFIG_VERSION, ...config };
  const parsed = parseAgentConfig(file, path);
  await writeDurably(path, `${JSON.stringify(file, null, 2)}\n`, 0o600);
  return parsed;
}

function withPaths(source: SourceSettings, at: (name: string) => string): SourceSettings {
  if (source.kind === "ldif") return { ...source, file: at(source.file) };
  return {
    ...source,
    ...(source.passwordFile === undefined ? {} : { passwordFile: at(source.passwordFile) }),
    ...(source.caFile === undefined ? {} : { caFile: at(source.caFile) }),
  };
}

export function isServiceUrl(text: string): boolean {
  try {
    const { protocol, hostname } = new URL(text);
    return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname));
  } catch {
    return false;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function invalid(what: string, error: z.ZodError): AgentError {
  const problems = error.issues.map((issue) => {
    const name = issue.path.length === 0 ? "the file" : issue.path.join(".");
    return `  ${name}: ${/received undefined$/.test(issue.message) ? "is missing" : issue.message}`;
  });
  return new AgentError(
    "config-invalid",
    `Cannot use ${what}: ${problems.length === 1 ? "a setting is" : `${problems.length} settings are`} wrong.\n${problems.join("\n")}`,
    "Mend each of them, or enrol again.",
  );
}
