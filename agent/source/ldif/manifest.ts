/** `<file>.manifest.json`: the exporter's word on how many records the file has, and which bytes it is. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { SourceError } from "../../../shared/ports/source-directory.ts";
import { fileFault } from "../../file-fault.ts";

const Manifest = z.object({ count: z.number().int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/i) });
export type Manifest = z.infer<typeof Manifest>;

/** undefined when there is none. Throws source-config when there is one that says nothing. */
export async function readManifest(ldifPath: string): Promise<Manifest | undefined> {
  const path = `${ldifPath}.manifest.json`;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw unusable(path, fileFault(error));
  }
  try {
    return Manifest.parse(JSON.parse(text));
  } catch (error) {
    throw unusable(
      path,
      error instanceof SyntaxError ? error.message : "it needs 'count' and 'sha256' (64 hex digits)",
    );
  }
}

function unusable(path: string, why: string): SourceError {
  return new SourceError(
    "source-config",
    `Cannot use the manifest ${path}: ${why}.`,
    'Write {"count": <records>, "sha256": "<hex>"}, or remove the manifest: absences are then staged instead of acted on.',
  );
}
