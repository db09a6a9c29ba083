/** The bundle as Azure would load it: every HTTP function stands behind the one wrapper, and in the one document. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UNKNOWN } from "../../functions/http-route.ts";
import { triggerOf } from "../../local/functions-host/invoke.ts";
import { parseRouteTemplate } from "../../local/functions-host/route-template.ts";
import { plainPath } from "../../shared/contracts/operation.ts";
import { type FunctionsApp, openFunctionsApp } from "../support/functions-app.ts";

describe("the functions app", () => {
  let app: FunctionsApp;
  beforeAll(async () => {
    app = await openFunctionsApp();
  });
  afterAll(() => app?.close());

  it("registered every HTTP function through the wrapper, and no key of the host stands before it", () => {
    // The framework's own endpoints (durable's management API) are the host's, not the app's.
    const names = app.httpFunctions().map((own) => own.metadata.name);
    expect(names.length).toBeGreaterThan(8);
    expect([...app.registered.map((one) => one.id), UNKNOWN.name].sort()).toEqual(names.sort());
    for (const own of app.httpFunctions()) expect(triggerOf(own).binding).toMatchObject({ authLevel: "anonymous" });
  });

  it("answers 401 without credentials, everywhere but where nothing is told", async () => {
    const statuses: Record<string, number> = {};
    for (const { id, method } of app.registered) {
      const params = { jobId: "j", configurationId: "c", action: "pause" };
      const body = id === "Enrol" ? enrolment : "{}";
      statuses[id] = (await app.ask(id, { method, params, ...(method === "GET" ? {} : { body }) })).status;
    }
    const { Health: health, OpenApi: document, ...rest } = statuses;
    expect([health, document]).toEqual([200, 200]);
    expect(new Set(Object.values(rest))).toEqual(new Set([401]));
  });

  it("asks every other route before the one that refuses what none takes", () => {
    const templates = app.httpFunctions().map((own) => ({
      name: own.metadata.name,
      order: parseRouteTemplate(`/api/${String(triggerOf(own).binding["route"])}`).order,
    }));
    const own = templates.find(({ name }) => name === UNKNOWN.name);
    expect(templates.filter(({ order }) => order >= (own?.order ?? ""))).toEqual([own]);
  });

  it("refuses in Graph's error shape what no route takes, of whatever version, by whatever method", async () => {
    const unknown = app.httpFunctions().find((own) => own.metadata.name === UNKNOWN.name);
    const { binding } = triggerOf(unknown ?? expect.unreachable());
    const template = parseRouteTemplate(`/api/${String(binding["route"])}`);
    for (const path of ["agent/v1/nope", "v2.0/servicePrincipals", "v1.0/nope", "nope", "agent/v1/jobs/j/batches/x"])
      for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]) {
        expect([path, template.match(`/api/${path}`) === undefined]).toEqual([path, false]);
        expect([method, binding["methods"]]).toEqual([method, expect.arrayContaining([method])]);
        const reply = await app.ask(UNKNOWN.name, { method, path });
        expect(reply.status).toBe(404);
        expect(reply.body).toMatchObject({
          error: { code: "path-unknown", message: expect.stringContaining(`${method} /api/${path}`) },
        });
      }
  });

  it("serves an OpenAPI document of all that is registered", async () => {
    const { body } = await app.ask("OpenApi", { method: "GET" });
    const document = body as { paths: Record<string, Record<string, { operationId: string }>> };
    expect(await new Validator().validate(structuredClone(body) as Record<string, unknown>)).toMatchObject({
      valid: true,
    });
    const told = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
    );
    expect(told.sort()).toEqual(app.registered.map((one) => `${one.id} ${one.method} /${plainPath(one.path)}`).sort());
    // A reference to a part of one shape would point at nothing in the document.
    expect(JSON.stringify(body)).not.toContain('"#/$defs');
  });
});

/** Well-formed, so that nothing but the missing proof can be refused. */
const enrolment = JSON.stringify({
  token: "c.0123456789abcdef",
  publicKey: {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  },
  name: "a",
  version: "1",
  platform: "test",
  domain: { objectGuid: "11111111-1111-4111-8111-111111111111", sid: "S-1-5-21-1", fqdn: "corp.example" },
});
