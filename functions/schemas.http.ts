/** The schemas of jobs: read, checked and replaced in Graph's path; their versions and what differs, beside it. */
import type { Schemas } from "../shared/application/schemas.ts";
import { diffSchemas, getSchema, listSchemaVersions, putSchema } from "../shared/contracts/admin/schemas.ts";
import type { Route } from "./http-route.ts";
import { listed, plain, serveAdmin } from "./serve.ts";

export function schemaRoutes(schemas: Schemas): Route[] {
  return [
    serveAdmin(getSchema, async ({ params, query }) => plain(await schemas.get(params.jobId, query.version))),
    serveAdmin(putSchema, async ({ params, query, body }, admin) =>
      plain(await schemas.put(params.jobId, body, admin.id, query.expectedVersion)),
    ),
    serveAdmin(listSchemaVersions, async ({ params }) => listed(await schemas.versions(params.jobId))),
    serveAdmin(diffSchemas, async ({ params, query }) => plain(await schemas.diff(params.jobId, query.from, query.to))),
  ];
}
