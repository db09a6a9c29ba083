/**
 * The directory stand-in as a process of its own: settings from the environment in, one ready line out.
 *
 * It outlives the host on purpose (crash tests kill the host, and the cloud's directory doesn't die with it). One JSON
 * line on standard output says that it is ready and where; everything else goes to standard error. SIGTERM or SIGINT
 * end it cleanly. Wrong settings are all listed at once, each with its remedy, and the exit code is 1.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Application } from "./directory/server.ts";
import { startDirectory } from "./directory/server.ts";
import { LOCAL_CLIENT } from "./directory/sign-in.ts";

type Settings = Parameters<typeof startDirectory>[0];

const DEFAULT_PORT = 7080;
const DEFAULT_INITIAL_DOMAIN = "uplinkdemo.onmicrosoft.com";
const DEFAULT_TENANT_ID = "7f1b4c1e-0000-4000-8000-00000000d0e5";

function readSettings(env: NodeJS.ProcessEnv): { settings: Settings } | { problems: string[] } {
  const problems: string[] = [];
  const attempt = <T>(name: string, fallback: T, read: (value: string) => T): T => {
    const value = env[name];
    if (value === undefined || value === "") return fallback;
    try {
      return read(value);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return fallback;
    }
  };
  const file = (name: string, what: string) => {
    if (!env[name]) problems.push(`${name}: not set. Name the file of ${what}.`);
    return attempt(name, "", (path) => readFileSync(path, "utf8"));
  };
  const whole = (least: number, most: number) => (value: string) => {
    const number = Number(value);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new Error(`'${value}' is no whole number from ${least} to ${most}. Correct it or leave it out.`);
  };
  const names = (value: string) =>
    value
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");

  const settings: Settings = {
    port: attempt("UPLINK_DIRECTORY_PORT", DEFAULT_PORT, whole(0, 65_535)),
    stateDir: env["UPLINK_STATE_DIR"] ? join(env["UPLINK_STATE_DIR"], "directory") : undefined,
    tls: {
      key: file("UPLINK_TLS_KEY_FILE", "the server's private key (PEM)"),
      cert: file("UPLINK_TLS_CERT_FILE", "the server's certificate (PEM)"),
    },
    tenantId: env["UPLINK_TENANT_ID"] || DEFAULT_TENANT_ID,
    initialDomain: env["UPLINK_DIRECTORY_INITIAL_DOMAIN"] || DEFAULT_INITIAL_DOMAIN,
    verifiedDomains: attempt("UPLINK_DIRECTORY_VERIFIED_DOMAINS", [], names),
    federatedDomains: attempt("UPLINK_DIRECTORY_FEDERATED_DOMAINS", [], names),
    applications: attempt("UPLINK_DIRECTORY_APPLICATIONS_FILE", [], (path) =>
      parseApplications(path, readFileSync(path, "utf8")),
    ),
    publicClient: LOCAL_CLIENT,
    signInCode: env["UPLINK_DIRECTORY_SIGN_IN_CODE"] || undefined,
    webOrigin: env["UPLINK_DIRECTORY_WEB_ORIGIN"] || undefined,
    visibilityDelayMs: attempt("UPLINK_DIRECTORY_VISIBILITY_DELAY_MS", 0, whole(0, 3_600_000)),
  };
  if (!env["UPLINK_DIRECTORY_APPLICATIONS_FILE"]) {
    problems.push(
      "UPLINK_DIRECTORY_APPLICATIONS_FILE: not set. Name a JSON file with the applications and their secrets.",
    );
  }
  const quota = env["UPLINK_DIRECTORY_QUOTA"] || "on";
  if (quota === "off") settings.quota = "off";
  else if (quota !== "on") problems.push(`UPLINK_DIRECTORY_QUOTA: '${quota}' is neither on nor off.`);
  return problems.length > 0 ? { problems } : { settings };
}

function parseApplications(path: string, text: string): Application[] {
  const parsed: unknown = JSON.parse(text);
  const list = Array.isArray(parsed) ? parsed : undefined;
  const isTexts = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === "string");
  const valid = list?.every(
    (one: Partial<Application> | null) =>
      typeof one?.clientId === "string" &&
      typeof one.clientSecret === "string" &&
      isTexts(one.roles) &&
      (one.directoryRoles === undefined || isTexts(one.directoryRoles)),
  );
  if (list && valid) return list as Application[];
  throw new Error(`'${path}' must hold a list of { clientId, clientSecret, roles[], directoryRoles[]? }.`);
}

function end(lines: readonly string[]): never {
  process.stderr.write(`${lines.join("\n")}\n`);
  process.exit(1);
}

const read = readSettings(process.env);
if ("problems" in read) end(["Cannot start the directory:", ...read.problems.map((problem) => `  ${problem}`)]);

try {
  const running = await startDirectory(read.settings);
  const { port, url, graphUrl, authority } = running;
  process.stdout.write(`${JSON.stringify({ ready: "directory", port, url, graphUrl, authority, pid: process.pid })}\n`);
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => end([`Cannot stop the directory cleanly: ${String(error)}`]),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    end([`Cannot start the directory: port ${read.settings.port} is taken. Set UPLINK_DIRECTORY_PORT to a free one.`]);
  }
  end([`Cannot start the directory: ${message}`]);
}
