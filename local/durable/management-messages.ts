/** What the management API is asked and answers, free of any server. */

export type ManagementRequest = {
  readonly method: string;
  /** Below the API's base, without the leading slash, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** The whole URL of the request, for the Location header. */
  readonly url: string;
};

export type ManagementResponse = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON when present. */
  readonly body?: unknown;
};

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
