/** A running directory for tests, a client of it, and titles that begin with a rule's id. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { ensureCertificates } from "../../../local/certificates.ts";
import { type BehaviourId, behaviours, type RuleId, rules } from "../../../local/directory/rules.ts";
import { type DirectoryOptions, type RunningDirectory, startDirectory } from "../../../local/directory/server.ts";

export const tenantId = "7f1b4c1e-0000-4000-8000-00000000d0e5";

/** An answer of the server; its body is whatever JSON says, and tests look into it. */
export type Answer = { status: number; headers: Record<string, string>; body: ReturnType<typeof JSON.parse> };

export const applications = {
  exporter: {
    clientId: "11111111-1111-4111-8111-111111111111",
    clientSecret: "exporter-secret",
    roles: ["User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All"],
  },
  roleReader: {
    clientId: "44444444-4444-4444-8444-444444444444",
    clientSecret: "role-reader-secret",
    roles: ["User.ReadWrite.All", "Directory.Read.All", "RoleEligibilitySchedule.Read.Directory"],
  },
  reader: {
    clientId: "22222222-2222-4222-8222-222222222222",
    clientSecret: "reader-secret",
    roles: ["User.Read.All"],
  },
  administrator: {
    clientId: "33333333-3333-4333-8333-333333333333",
    clientSecret: "administrator-secret",
    roles: [
      ...["User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All"],
      ...["RoleManagement.ReadWrite.Directory", "User-PasswordProfile.ReadWrite.All"],
    ],
    directoryRoles: ["Hybrid Identity Administrator", "User Administrator"],
  },
};
type ApplicationName = keyof typeof applications;

/** The title of a test of a rule. Every id of rules.ts must be used so; `rules.test.ts` looks. */
export const rule = (id: RuleId) => `${id}: ${rules[id].sentence}`;
export const behaviour = (id: BehaviourId) => `${id}: ${behaviours[id]}`;

export const certificateDir = mkdtempSync(join(tmpdir(), "uplink-directory-tls-"));
afterAll(() => rmSync(certificateDir, { recursive: true, force: true }));

export type TestDirectory = RunningDirectory & {
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  token(application?: ApplicationName, scope?: string): Promise<string>;
  close(): Promise<void>;
  clock: { ms: number };
};
type CallOptions = {
  body?: unknown;
  as?: ApplicationName;
  headers?: Record<string, string>;
  /** No token, or this one. */
  token?: string | undefined;
};

export async function startTestDirectory(overrides: Partial<DirectoryOptions> = {}): Promise<TestDirectory> {
  const files = await ensureCertificates(certificateDir);
  const tls = { key: readFileSync(files.keyFile, "utf8"), cert: readFileSync(files.certFile, "utf8") };
  const agent = new Agent({ ca: readFileSync(files.caFile), keepAlive: true });
  const clock = { ms: Date.parse("2026-03-01T08:00:00Z") };
  const running = await startDirectory({
    ...{ port: 0, tls, tenantId, quota: "off", clock: () => clock.ms },
    initialDomain: "uplinkdemo.onmicrosoft.com",
    verifiedDomains: ["contoso.example", "federated.example"],
    federatedDomains: ["federated.example"],
    applications: Object.values(applications),
    ...overrides,
  });
  const cached = new Map<string, { token: string; until: number }>();

  async function token(application: ApplicationName = "exporter", scope = "https://graph.microsoft.com/.default") {
    const { clientId, clientSecret } = applications[application];
    const form = { client_id: clientId, client_secret: clientSecret, grant_type: "client_credentials", scope };
    const answer = await send(`${running.authority}/oauth2/v2.0/token`, {
      ...{ agent, method: "POST", text: new URLSearchParams(form).toString() },
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body.access_token as string;
  }

  return {
    ...running,
    clock,
    token,
    async call(method, path, options = {}) {
      const as = options.as ?? "exporter";
      const known = cached.get(as);
      const bearer =
        "token" in options ? options.token : known && known.until > clock.ms ? known.token : await token(as);
      if (bearer && !("token" in options)) cached.set(as, { token: bearer, until: clock.ms + 3000_000 });
      const base = /^https:/.test(path) ? "" : `${path.startsWith("/") ? running.url : `${running.graphUrl}/`}`;
      return send(`${base}${path}`, {
        ...{ agent, method },
        ...(options.body === undefined
          ? {}
          : { text: typeof options.body === "string" ? options.body : JSON.stringify(options.body) }),
        headers: {
          ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
          ...(options.body === undefined ? {} : { "content-type": "application/json" }),
          ...options.headers,
        },
      });
    },
    async close() {
      agent.destroy();
      await running.stop();
    },
  };
}

function send(url: string, options: RequestOptions & { text?: string }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { text, ...rest } = options;
    const outgoing = request(url, rest, (reply) => {
      const chunks: Buffer[] = [];
      reply.on("data", (chunk: Buffer) => chunks.push(chunk));
      reply.on("error", reject);
      reply.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        resolve({
          status: reply.statusCode ?? 0,
          headers: reply.headers as Record<string, string>,
          body: body === "" ? undefined : JSON.parse(body),
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

let counter = 0;
/** A body that creates a user; each call another one. */
export function buildUser(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  counter++;
  return {
    accountEnabled: true,
    displayName: `Person ${counter}`,
    mailNickname: `person${counter}`,
    userPrincipalName: `person${counter}@contoso.example`,
    passwordProfile: { password: "Long-enough-1", forceChangePasswordNextSignIn: false },
    ...overrides,
  };
}

export function buildGroup(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  counter++;
  return {
    displayName: `Group ${counter}`,
    mailNickname: `group${counter}`,
    mailEnabled: false,
    securityEnabled: true,
    ...overrides,
  };
}

/** What a refusal says, in a line: status, code and rule. */
export function refusalOf(answer: Answer): string {
  const error = answer.body?.error;
  return error ? `${answer.status} ${error.code} ${error.innerError?.rule}` : `${answer.status} (no error)`;
}

export const refusedBy = (id: RuleId): string => `${rules[id].status} ${rules[id].code} ${id}`;
