/** A synchronization schema from a file that an admin names. */
import { readFile } from "node:fs/promises";
import { AgentError } from "../agent/agent-error.ts";
import { SynchronizationSchemaBody } from "../shared/contracts/synchronization-schema.ts";
import type { SynchronizationSchema } from "../shared/domain/synchronization-schema.ts";

/** Throws `AgentError` when it can't be read. */
export async function readText(path: string): Promise<string> {
  return (
    await readFile(path, "utf8").catch((error: unknown) => {
      const message = `The file ${path} can't be read: ${error instanceof Error ? error.message : String(error)}`;
      throw new AgentError("config-invalid", message, "Check the path and who may read it.");
    })
  ).replace(/^\uFEFF/, "");
}

/** Throws `AgentError` with every fault of the file's shape. */
export async function readSchemaFile(path: string): Promise<SynchronizationSchema> {
  const text = await readText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const message = `The file ${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    throw new AgentError("config-invalid", message, "Export the schema again, or correct the file.");
  }
  const parsed = SynchronizationSchemaBody.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    ({ path: place, message }) => `  ${place.join(".") || "(the whole)"}: ${message}`,
  );
  throw new AgentError(
    "config-invalid",
    `The file ${path} is no synchronization schema:\n${faults.slice(0, 50).join("\n")}`,
    "A schema is what Microsoft Graph answers to GET …/synchronization/jobs/{id}/schema.",
  );
}
