/** The schemas of jobs: read, checked and replaced in Graph's path; their versions and what differs, beside it. */
import { fail, ok, type Result } from "../shared/application/failure.ts";
import { parseJson } from "../shared/application/parse-request.ts";
import type { Schemas } from "../shared/application/schemas.ts";
import { ADMIN_ROUTES } from "../shared/contracts/admin/routes.ts";
import { SynchronizationSchemaBody } from "../shared/contracts/synchronization-schema.ts";
import type { Route, RouteRequest } from "./http-route.ts";

export function schemaRoutes(schemas: Schemas): Route[] {
  return [
    {
      name: "GetSchema",
      methods: ["GET"],
      route: ADMIN_ROUTES.schema,
      guard: "admin-read",
      handle: async (request) => {
        const version = numberOf(request, "version");
        return version.ok ? answered(await schemas.get(jobOf(request), version.value)) : version;
      },
    },
    {
      name: "PutSchema",
      methods: ["PUT"],
      route: ADMIN_ROUTES.schema,
      guard: "admin-write",
      handle: async (request, admin) => {
        const expected = numberOf(request, "expectedVersion");
        if (!expected.ok) return expected;
        const parsed = parseJson(request.body, SynchronizationSchemaBody, "schema");
        if (!parsed.ok) return parsed;
        return answered(await schemas.put(jobOf(request), parsed.value, admin.id, expected.value));
      },
    },
    {
      name: "ListSchemaVersions",
      methods: ["GET"],
      route: ADMIN_ROUTES.schemaVersions,
      guard: "admin-read",
      handle: async (request) => {
        const found = await schemas.versions(jobOf(request));
        return found.ok ? ok({ status: 200, body: { value: found.value } }) : found;
      },
    },
    {
      name: "DiffSchemas",
      methods: ["GET"],
      route: ADMIN_ROUTES.schemaDiff,
      guard: "admin-read",
      handle: async (request) => {
        const from = numberOf(request, "from");
        if (!from.ok) return from;
        const to = numberOf(request, "to");
        if (!to.ok) return to;
        return answered(await schemas.diff(jobOf(request), from.value ?? 1, to.value ?? 1));
      },
    },
  ];
}

function answered(result: Result<unknown>) {
  return result.ok ? ok({ status: 200, body: result.value }) : result;
}

function jobOf(request: RouteRequest): string {
  return request.params["jobId"] ?? "";
}

function numberOf(request: RouteRequest, name: string): Result<number | undefined> {
  const text = request.query.get(name);
  if (text === null) return ok(undefined);
  if (/^[1-9]\d{0,8}$/.test(text)) return ok(Number(text));
  const message = `'${text}' is no version of a schema.`;
  return fail({ status: 400, code: "invalid-query", message, remedy: `Give ${name} as a number from 1 on.` });
}
