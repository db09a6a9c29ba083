/** The OpenAPI document of every route: anybody may read it, it tells nothing but shapes. */
import manifest from "../package.json" with { type: "json" };
import { ok } from "../shared/application/failure.ts";
import { writeOpenApi } from "../shared/contracts/openapi.ts";
import { openApi } from "../shared/contracts/service.ts";
import type { Route } from "./http-route.ts";
import { serveOpen } from "./serve.ts";

/** `routes`: all others, known once all are declared. */
export function openApiRoute(routes: () => readonly Route[]): Route {
  let written: ReturnType<typeof writeOpenApi> | undefined;
  return serveOpen(openApi, async ({ request }) => {
    const operations = routes().map((route) => route.operation);
    written ??= writeOpenApi(operations, { version: manifest.version, origin: request.origin });
    // Each caller's own way here: the first one's is nobody else's.
    const servers = [{ url: `${request.origin}/api` }];
    return ok({ body: { openapi: "3.1.0", ...written, servers } });
  });
}
