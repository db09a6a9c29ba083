/** Headers as OpenTelemetry's environment has them. */

/** `name=value,name=value`, values as in a URL. */
export function headersOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(",").flatMap((part) => {
      const at = part.indexOf("=");
      return at < 1 ? [] : [[part.slice(0, at).trim(), plainOf(part.slice(at + 1).trim())]];
    }),
  );
}

function plainOf(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
