/**
 * Takes names of people out of prose: sign-in names, mail addresses, distinguished names. What stays is a sentence with
 * `[name]` in it. Ids, host names and codes stay as they are.
 *
 * For text that leaves the program in a log, a trace or a measurement. It is the last line of defence, not the first: who writes an
 * event gives anchors and codes. It can't know a bare display name.
 */
const ADDRESS =
  /(?:[^\s"'`<>()[\]{},;:=|\\/]|(?<=[\p{L}\d])'(?=[\p{L}\d])){1,128}@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/giu;
const RDN = String.raw`(?:DC=[\p{L}\p{N}_-]+|(?:CN|OU|UID|O|L|ST|C)=(?:\\.|[^\\,;"'<>\n])+)`;
const DN = new RegExp(String.raw`(?<![\p{L}\p{N}])${RDN}(?:,\s*${RDN})+`, "giu");

export function withoutNames(text: string): string {
  return text.replace(DN, "[name]").replace(ADDRESS, "[name]");
}

/** What to throw on: the error itself where it holds no name, else one like it whose message, stack and causes hold none. */
export function errorWithoutNames(error: unknown): unknown {
  if (typeof error === "string") return withoutNames(error);
  if (!(error instanceof Error)) return error;
  const message = withoutNames(error.message);
  const stack = withoutNames(error.stack ?? "");
  const cause = errorWithoutNames(error.cause);
  if (message === error.message && stack === (error.stack ?? "") && cause === error.cause) return error;
  const told = new Error(message, cause === undefined ? {} : { cause });
  return Object.assign(told, { name: error.name, stack });
}

/** Every text among the values without names. */
export function fieldsWithoutNames<T extends Readonly<Record<string, unknown>>>(fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === "string" ? withoutNames(value) : value]),
  ) as T;
}
