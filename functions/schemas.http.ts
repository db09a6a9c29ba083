/** The schemas of jobs: read, checked and replaced in Graph's path; their versions and what differs, beside it. */

import { ok } from "../shared/application/failure.ts";
import type { Configurations } from "../shared/application/jobs/configurations.ts";
import type { Schemas } from "../shared/application/schemas/schemas.ts";
import { diffSchemas, getSchema, listSchemaVersions, putSchema } from "../shared/contracts/admin/schemas.ts";
import type { Route } from "./http-route.ts";
import { asEtagMismatch, expectedVersionOf, listed, plain, serveAdmin } from "./serve.ts";

interface SchemaRouteDeps {
  readonly schemas: Schemas;
  readonly configurations: Pick<Configurations, "expectJob">;
}

/** The ETag of a schema is its version's number: versions are never changed. */
export function schemaRoutes({ schemas, configurations }: SchemaRouteDeps): Route[] {
  return [
    serveAdmin(getSchema, async ({ params, query }) => {
      const known = await configurations.expectJob(params.configurationId, params.jobId);
      if (!known.ok) return known;
      const found = await schemas.getNumbered(params.jobId, query.version);
      return found.ok ? ok({ body: found.value.schema, etag: String(found.value.version) }) : found;
    }),
    serveAdmin(putSchema, async ({ params, query, body, ifMatch }, admin) => {
      const known = await configurations.expectJob(params.configurationId, params.jobId);
      if (!known.ok) return known;
      const expected = expectedVersionOf(ifMatch) ?? query.expectedVersion;
      const put = await schemas.put(params.jobId, body, admin.id, expected);
      const done = asEtagMismatch(put, ifMatch, "schema-version-not-expected");
      return done.ok ? ok({ body: done.value, etag: String(done.value.version) }) : done;
    }),
    serveAdmin(listSchemaVersions, async (asked) => {
      const all = await schemas.versions(asked.params.jobId);
      return listed(asked, all, ({ version }) => String(version).padStart(9, "0"), "descending");
    }),
    serveAdmin(diffSchemas, async ({ params, query }) => plain(await schemas.diff(params.jobId, query.from, query.to))),
  ];
}
