/**
 * The admin API on a free port of the loopback, for tests of the command line: by the service's own routes over a cloud in memory
 * (`answerByRoutes`), or by answers that a test writes itself. Guards are left out: `test/functions/guards.test.ts` holds them.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Registration } from "../../cli/run-cli.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { refusal } from "../../functions/http-refusal.ts";
import type { Route, RouteRequest } from "../../functions/http-route.ts";
import type { AuditLog } from "../../shared/application/admin/audit-log.ts";
import type { ConfigurationReply } from "../../shared/contracts/admin/configurations.ts";
import { runCommand, type Told } from "./command-line.ts";

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly authorization: string | undefined;
  /** The header `If-Match`. */
  readonly ifMatch: string | null;
  readonly ifNoneMatch?: string | null;
}

/** A `Response` goes out as it is, anything else as JSON; undefined: the job of `CORP` where jobs are listed, else 404. */
export type Answer = (asked: Asked) => unknown;

export interface AdminService {
  readonly url: string;
  /** What was asked, oldest first. */
  readonly asked: Asked[];
  close(): Promise<void>;
}

/** The one job of a service whose test writes the answers itself. */
export const CORP: ConfigurationReply = {
  id: "c1",
  jobId: "j1",
  displayName: "Corp",
  domainFqdn: "corp.example",
};

export async function startAdminService(answer: Answer): Promise<AdminService> {
  const asked: Asked[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const own: Asked = {
      method: incoming.method ?? "GET",
      url: incoming.url ?? "",
      body: Buffer.concat(parts).toString("utf8"),
      authorization: incoming.headers.authorization,
      ifMatch: incoming.headers["if-match"] ?? null,
      ifNoneMatch: incoming.headers["if-none-match"] ?? null,
    };
    asked.push(own);
    const given = await answer(own);
    const reply = given instanceof Response ? given : given === undefined ? otherwise(own) : Response.json(given);
    outgoing.writeHead(reply.status).end(await reply.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function otherwise({ url }: Asked): Response {
  return url.endsWith("/configurations") ? Response.json({ value: [CORP] }) : new Response("{}", { status: 404 });
}

/**
 * The routes as the functions host calls them, for the admin `ann`; `after` is called when one has done its part. `audit`: where
 * changes are written down.
 */
export function answerByRoutes(
  routes: () => readonly Route[],
  after: (route: Route) => Promise<unknown> = async () => undefined,
  audit?: AuditLog,
): Answer {
  return async ({ method, url, body, ifMatch, ifNoneMatch = null }) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    for (const route of routes()) {
      const path = route.route.replace(
        /\{(\w+)(?::regex\(\^(.*?)\$\))?\}/g,
        (_all, name: string, own: string | undefined) => `(?<${name}>${own ?? "[^/]+"})`,
      );
      const pattern = new RegExp(`^/api/${path}$`);
      const found = pattern.exec(pathname);
      if (!found || !(route.methods ?? []).includes(method as "GET")) continue;
      const params = Object.fromEntries(
        Object.entries(found.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
      );
      const request: RouteRequest = {
        ...{ method, params, query: searchParams, body: Buffer.from(body), isGzip: false, ifMatch, ifNoneMatch },
        origin: "http://localhost",
        signed: { method, path: pathname, proof: null, body: Buffer.from(body) },
      };
      const result = await route.handle(request, { id: "ann", roles: [] } as never, audit);
      await after(route);
      if (result.ok) {
        const { status, body: answered } = result.value;
        return answered === undefined ? new Response(null, { status }) : Response.json(answered, { status });
      }
      const { status, jsonBody } = refusal(result.failure, {});
      return Response.json(jsonBody, { status: status ?? 500 });
    }
    return new Response("{}", { status: 404 });
  };
}

/** Serves all tests of a file; `asked` begins anew with each. `uplink` runs command lines against it. */
export function serveInTests(registrations: readonly Registration[], answer: Answer) {
  let service: AdminService;
  beforeAll(async () => {
    service = await startAdminService(answer);
  });
  afterAll(() => service.close());
  beforeEach(() => {
    service.asked.length = 0;
  });
  return {
    asked: (): readonly Asked[] => service.asked,
    uplink: (...args: string[]): Promise<Told> => askService(service.url, registrations, args),
  };
}

/** One command line against the service at `url`. */
export function askService(
  url: string,
  registrations: readonly Registration[],
  args: readonly string[],
  given: Partial<Pick<Terminal, "stop" | "err">> = {},
) {
  return runCommand(args, registrations, { ...given, environment: { UPLINK_URL: url, UPLINK_ADMIN_TOKEN: "t" } });
}
