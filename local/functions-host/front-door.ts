/** Where requests arrive: answers 503 until the host is open, 400 to what is no URL, 500 to the host's own defects. */

import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { sendJson } from "./http-message.ts";
import type { HostLog } from "./invoke.ts";

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

export type FrontDoor = { readonly listener: RequestListener; open(handler: Handler): void };

function urlOf(request: IncomingMessage, scheme: string): URL | undefined {
  const target = `${scheme}://${request.headers.host ?? "localhost"}${request.url ?? "/"}`;
  return URL.canParse(target) ? new URL(target) : undefined;
}

export function createFrontDoor(scheme: "http" | "https", log: HostLog): FrontDoor {
  let handler: Handler | undefined;
  return {
    open: (value) => {
      handler = value;
    },
    listener: (request, response) => {
      const url = urlOf(request, scheme);
      if (url === undefined) {
        sendJson(response, 400, undefined);
      } else if (handler === undefined) {
        sendJson(response, 503, undefined, { "retry-after": "1" });
      } else {
        handler(request, response, url).catch((error: unknown) => {
          // A caller that hung up in the middle of its body is nobody's defect.
          if (!request.complete && request.destroyed) return log("debug", "Host", `Request aborted: ${url.pathname}`);
          log("error", "Host", error instanceof Error ? (error.stack ?? error.message) : String(error));
          if (response.headersSent) response.destroy();
          else sendJson(response, 500, undefined);
        });
      }
    },
  };
}
