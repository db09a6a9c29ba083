/** What the service tells anybody: that it answers, and what it offers. */
import { z } from "zod";
import { operation } from "./operation.ts";

export const health = operation({
  id: "Health",
  method: "GET",
  path: "health",
  guard: "public",
  summary: "Whether the service answers.",
  reply: z.strictObject({ status: z.literal("running") }),
});

export const openApi = operation({
  id: "OpenApi",
  method: "GET",
  path: "v1.0/openapi.json",
  guard: "public",
  summary: "This document.",
  reply: z.looseObject({ openapi: z.string() }),
});
