/**
 * The OpenAPI 3.1 document, written from the declared operations: what is registered is what it tells, no more and no less.
 * Shapes of requests are as a caller writes them (with defaults left out), shapes of answers as they are sent.
 */
import { z } from "zod";
import { ErrorReply } from "./agent-api.ts";
import { commonRefusals, type Guard, type Operation, paramsOf, plainPath, type RefusalStatus } from "./operation.ts";
import { pathParam } from "./path-params.ts";
import { PROOF_HEADER } from "./proof.ts";
import { SynchronizationSchemaBody, SynchronizationSchemaShape } from "./synchronization-schema.ts";

type Json = Readonly<Record<string, unknown>>;

const SECURITY: Readonly<Record<Guard, readonly Json[]>> = {
  "admin-read": [{ admin: ["Synchronization.Read.All"] }, { admin: ["Synchronization.ReadWrite.All"] }],
  "admin-write": [{ admin: ["Synchronization.ReadWrite.All"] }],
  agent: [{ agent: [] }],
  enrolment: [{ agent: [] }],
  public: [],
};

/** `version`: of the program. `origin`: of the service that serves it. */
export function writeOpenApi(
  operations: readonly Operation[],
  about: { readonly version: string; readonly origin: string },
): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const path = `/${plainPath(operation.path)}`;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Directory Uplink",
      version: about.version,
      description: "Management in the shapes of Microsoft Graph's synchronization API, and what agents say.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: `${about.origin}/api` }],
    paths,
    components: {
      schemas: { Error: shapeOf(ErrorReply, "output"), ...graphSchema() },
      securitySchemes: {
        admin: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "An Entra ID access token with one of the roles.",
        },
        agent: {
          type: "apiKey",
          in: "header",
          name: PROOF_HEADER,
          description: "A proof that the agent's key signed for this one request.",
        },
      },
    },
  };
}

function describe(operation: Operation): Json {
  const { id, summary, guard, path, query, body, reply, hasEtag, mindsExisting } = operation;
  const group = path.startsWith("agent/") ? "agent" : guard === "public" ? "service" : "admin";
  const usual = operation.statuses ?? [reply === null ? 204 : 200];
  const etag = { headers: { ETag: { schema: { type: "string" } } } };
  const answers = usual.map((status): [string, Json] => [
    String(status),
    {
      description: status === 204 ? "Done." : status === 202 ? "Taken; it goes on." : "The answer.",
      ...(hasEtag ? etag : {}),
      ...(reply === null || status === 204 ? {} : json(shapeOf(reply, "output"))),
    },
  ]);
  return {
    operationId: id,
    summary,
    tags: [group],
    // The empty one: nothing has to be sent.
    security: operation.tellsAdmins ? [{}, ...SECURITY["admin-read"]] : SECURITY[guard],
    parameters: [
      ...paramsOf(path).map(({ name, pattern }) => ({
        name,
        in: "path",
        required: true,
        schema: pattern === undefined ? shapeOf(pathParam(name), "input") : { type: "string", pattern },
      })),
      ...queryParameters(query),
      ...(hasEtag && operation.method !== "GET"
        ? [{ name: "If-Match", in: "header", required: false, schema: { type: "string" } }]
        : []),
      ...(mindsExisting
        ? [{ name: "If-None-Match", in: "header", required: false, schema: { type: "string", const: "*" } }]
        : []),
    ],
    ...(body ? { requestBody: { required: !operation.isBodyOptional, ...json(shapeOf(body, "input")) } } : {}),
    responses: { ...Object.fromEntries(answers), ...refusalsOf(operation) },
  };
}

function queryParameters(query: z.ZodObject | undefined): Json[] {
  if (!query) return [];
  return Object.entries(query.shape as Readonly<Record<string, z.ZodType>>).map(([name, schema]) => ({
    name,
    in: "query",
    required: !schema.safeParse(undefined).success,
    schema: shapeOf(schema, "input"),
  }));
}

/** By status, with the codes that it may carry. */
function refusalsOf(operation: Operation): Record<string, Json> {
  const byStatus = new Map<RefusalStatus, string[]>();
  for (const [code, status] of Object.entries({ ...commonRefusals(operation), ...operation.refusals }))
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const carries = { properties: { error: { properties: { code: { enum: codes.sort() } } } } };
      const schema = { allOf: [{ $ref: "#/components/schemas/Error" }, carries] };
      return [String(status), { description: `Refused: ${codes.join(", ")}.`, ...json(schema) }];
    }),
  );
}

function json(schema: Json): Json {
  return { content: { "application/json": { schema } } };
}

/** By what a schema is referred to that is checked by a type of its own. */
const GRAPH_SCHEMA = "SynchronizationSchema";
const COMPONENTS = "#/components/schemas/";

function shapeOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, {
    ...{ io, unrepresentable: "any", cycles: "ref", reused: "inline" },
    override: ({ zodSchema, jsonSchema }) => {
      if ((zodSchema as unknown) !== SynchronizationSchemaBody) return;
      for (const name of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[name];
      jsonSchema.$ref = `${COMPONENTS}${GRAPH_SCHEMA}`;
    },
  });
  return shape;
}

/** Graph's schema with its trees of functions, which refer to themselves: as parts of the document. */
function graphSchema(): Record<string, Json> {
  const made = z.toJSONSchema(SynchronizationSchemaShape, { io: "input", cycles: "ref", reused: "inline" });
  const text = JSON.stringify(made).replaceAll('"#/$defs/', `"${COMPONENTS}${GRAPH_SCHEMA}.`);
  const { $schema: _, $defs = {}, ...shape } = JSON.parse(text) as Record<string, unknown>;
  const parts = Object.entries($defs as Record<string, Json>).map(([name, part]): [string, Json] => [
    `${GRAPH_SCHEMA}.${name}`,
    part,
  ]);
  return { [GRAPH_SCHEMA]: shape, ...Object.fromEntries(parts) };
}
