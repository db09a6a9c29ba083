/**
 * Every place where a run of the local runtime can have left or told something, as text by its name: rows, blobs, histories, logs (the
 * printed lines of every process are in them), what an OTLP endpoint got, answers. What is packed in rows and blobs is unpacked.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { collectRows } from "../../local/releases/collect.ts";
import { type RecordedBytes, recordedBytes } from "../../local/releases/recorded-bytes.ts";
import type { Runtime } from "../../local/start/runtime.ts";
import { createBlobStore } from "../../shared/adapters/blobs/blob-store.ts";
import type { OtlpReceiver } from "./otlp-receiver.ts";

export interface Place {
  readonly name: string;
  readonly text: string;
  /** The same in small letters, made once: it is searched many times. */
  readonly small: string;
}
export type Places = readonly Place[];

/** `answers`: what was answered and printed to whoever asked, by who answered. */
export async function collectPlaces(
  runtime: Runtime,
  receiver: OtlpReceiver,
  answers: Readonly<Record<string, readonly string[]>>,
): Promise<Places> {
  const places = new Map<string, string>();
  for (const [table, rows] of Object.entries(await collectRows(runtime.storageConnection)))
    places.set(`rows of ${table}`, JSON.stringify(rows));
  const blobs = createBlobStore({ connectionString: runtime.storageConnection, container: "uplink" });
  for await (const path of blobs.list("")) {
    const content = await blobs.get(path);
    if (content) places.set(`blob ${path}`, JSON.stringify(unpacked(recordedBytes(content))));
  }
  for (const [kind, folder] of [
    ["log", runtime.paths.logs],
    ["history", runtime.paths.host],
  ] as const)
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      // Keys of the local host itself: the runtime's own secrets, which are what is looked for.
      if (!entry.isFile() || entry.name === "keys.json") continue;
      places.set(`${kind} ${entry.name}`, await readFile(join(entry.parentPath, entry.name), "utf8"));
    }
  for (const [signal, told] of Object.entries(receiver.told)) places.set(`telemetry ${signal}`, told.join("\n"));
  for (const [who, told] of Object.entries(answers)) places.set(`answers of ${who}`, told.join("\n"));
  return [...places].map(([name, text]) => ({ name, text, small: text.toLowerCase() }));
}

/** A backup's lines have the bytes of a row's columns in base64, packed as they were in the row. */
function unpacked(recorded: RecordedBytes): unknown {
  if (!("gzip" in recorded) || !recorded.gzip.startsWith('{"row":')) return recorded;
  return recorded.gzip.split("\n").map((line) =>
    JSON.parse(line, (_name, value: unknown) => {
      const { base64 } = (value ?? {}) as { base64?: unknown };
      return typeof base64 === "string" ? recordedBytes(new Uint8Array(Buffer.from(base64, "base64"))) : value;
    }),
  );
}

/** Where the text stands, in any case: plain, and in base64 and hexadecimal of both of its encodings. */
export function placesOf(text: string, places: Places): string[] {
  const bytes = [Buffer.from(text, "utf8"), Buffer.from(text, "utf16le")];
  const forms = [text, ...bytes.flatMap((own) => [own.toString("base64").replace(/=+$/, ""), own.toString("hex")])];
  const wanted = forms.map((form) => form.toLowerCase());
  return places.filter(({ small }) => wanted.some((form) => small.includes(form))).map(({ name }) => name);
}
