/** What the service tells anybody: that it answers, and what it offers. */
import { z } from "zod";
import { HealthReply } from "./admin/health.ts";
import { operation } from "./operation.ts";

/** What anybody is told: neither whether something is wrong nor what, and nothing that has to be looked up (ADR 0056). */
export const RUNNING = {
  status: "running",
  more: "What is wrong, for whom and what to do: here and at /api/v1.0/health, with a token that may read; or `uplink status`.",
} as const;

export const health = operation({
  id: "Health",
  method: "GET",
  path: "health",
  guard: "public",
  tellsAdmins: true,
  summary: "Whether the service answers; to who may read, what is wrong, for whom, and what to do.",
  reply: z.union([z.strictObject({ status: z.literal(RUNNING.status), more: z.string() }), HealthReply]),
});

export const openApi = operation({
  id: "OpenApi",
  method: "GET",
  path: "v1.0/openapi.json",
  guard: "public",
  summary: "This document.",
  reply: z.looseObject({ openapi: z.string() }),
});
