/**
 * What identifiers in paths may look like. They become keys of rows and names of blobs, so what has a meaning there
 * (`/ \ # ?`, control characters, `..`) or no end never comes further than this.
 */
import { z } from "zod";
import { isGuid } from "../domain/values.ts";

/** What becomes a key, wherever it stands: in a path, a query or a body. */
export const Identifier = z
  .string()
  .max(128, "must have 128 characters at most")
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.))*$/, "must consist of letters, digits, '.', '_' and '-'");
const GuidParam = z
  .string()
  .max(36, "must be a GUID, 8-4-4-4-12")
  .transform((text) => text.toLowerCase())
  .refine(isGuid, "must be a GUID, 8-4-4-4-12");

/** By the parameter's name; every other one is an identifier. */
const BY_NAME: Readonly<Record<string, z.ZodType<string>>> = {
  objectGuid: GuidParam,
  guid: GuidParam,
  // In base64url: it may begin with any of its characters.
  digest: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be a digest as the service gave it"),
};

export function pathParam(name: string): z.ZodType<string> {
  return BY_NAME[name] ?? Identifier;
}
