/**
 * What a Functions host does with the sample app, seen from outside and put into a form that two hosts can be compared
 * by: the local host and the real one must give equal observations. What differs by nature (ids, ports, stack traces)
 * is taken out.
 */

export type Observations = Readonly<Record<string, unknown>>;

export type ObserveOptions = {
  /** `http://127.0.0.1:7071`, without a slash at the end. */
  readonly url: string;
  /** How long an orchestration may take. */
  readonly limitMs: number;
};

/** Orchestrations that end by themselves: name and input. */
const orchestrations: readonly (readonly [name: string, input: unknown])[] = [
  ["sum", 10],
  ["steps", 4],
  ["inputs", ["a", "123", 5, 1.5, true, null, { a: 1, at: "2026-01-02T03:04:05.000Z" }, [1, "x"]]],
  ["retrying", { failures: 2, attempts: 3 }],
  ["retrying", { failures: 9, attempts: 2 }],
  ["failing", null],
  ["parent", { children: [{ value: 2 }, { fail: true }] }],
  ["race", { timeoutMs: 300 }],
  ["counting", { left: 3 }],
  ["failFast", null],
  ["reYielding", null],
  ["laterYield", null],
  ["emptyAll", null],
  ["restarting", { round: 1 }],
];

const requests: readonly (readonly [method: string, path: string])[] = [
  ["PUT", "echo/7/part%20two?a=1&b=%C3%A4&a=2"],
  ["HEAD", "echo/7"],
  ["DELETE", "echo/7"],
  ["GET", "nowhere"],
  ["GET", "nothing"],
  ["GET", "throws"],
  ["GET", "response"],
  ["GET", "cookies"],
  ["GET", "pick/fixed"],
  ["GET", "pick/12"],
  ["GET", "pick/twelve"],
  ["GET", "files/a/b.txt"],
];

/** Ids, addresses and stack traces replaced, so that equal behaviour is equal text. */
function normalise(value: unknown, url: string): unknown {
  if (typeof value === "string") {
    return value
      .replaceAll(url, "<host>")
      .replace(/[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}/gi, "<id>")
      .replace(/ \n \{[\s\S]*/, " <details>");
  }
  if (Array.isArray(value)) return value.map((one) => normalise(one, url));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, normalise(one, url)]));
}

async function observeRequest(url: string, method: string, path: string): Promise<unknown> {
  const response = await fetch(`${url}/api/${path}`, { method, headers: { "x-sample": "v" } });
  const text = await response.text();
  const cookies = response.headers.getSetCookie();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Plain text stays text.
  }
  const type = text === "" ? null : response.headers.get("content-type");
  return { status: response.status, type, body, ...(cookies.length > 0 ? { cookies } : {}) };
}

export async function observe({ url, limitMs }: ObserveOptions): Promise<Observations> {
  const seen: Record<string, unknown> = {};

  const client = async (method: string, ...args: unknown[]): Promise<{ result?: unknown; error?: string }> => {
    const response = await fetch(`${url}/api/client/${method}`, { method: "POST", body: JSON.stringify(args) });
    return (await response.json()) as { result?: unknown; error?: string };
  };
  const start = async (name: string, input: unknown): Promise<string> => {
    const body = JSON.stringify(input);
    const response = await fetch(`${url}/api/start/${name}`, { method: "POST", body });
    if (response.status !== 202) throw new Error(`Starting ${name} answered ${response.status}.`);
    return ((await response.json()) as { id: string }).id;
  };
  const end = async (id: string): Promise<unknown> => {
    const latest = Date.now() + limitMs;
    for (;;) {
      const { result } = await client("getStatus", id);
      const { runtimeStatus, output, customStatus } = result as Record<string, unknown>;
      const ended = runtimeStatus !== "Running" && runtimeStatus !== "Pending" && runtimeStatus !== "Suspended";
      if (ended) return { runtimeStatus, output, customStatus };
      if (Date.now() > latest) return { runtimeStatus: `${String(runtimeStatus)} after ${limitMs} ms` };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const code = (answer: { result?: unknown; error?: string }): unknown =>
    answer.error === undefined
      ? (answer.result ?? "ok")
      : (/status code: (\d+)/.exec(answer.error)?.[1] ?? answer.error);

  for (const [method, path] of requests) seen[`${method} ${path}`] = await observeRequest(url, method, path);
  const bytes = new Uint8Array(1000).map((_zero, index) => index % 256);
  seen["binary body"] = await (await fetch(`${url}/api/echo/7`, { method: "POST", body: bytes })).json();

  const timer = await fetch(`${url}/admin/functions/nightly`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: "" }),
  });
  seen["timer by hand"] = timer.status;

  for (const [index, [name, input]] of orchestrations.entries()) {
    seen[`${index} ${name}`] = await end(await start(name, input));
  }
  const waiting = await start("events", 1);
  seen["raise to the unknown"] = code(await client("raiseEvent", "nobody", "go", 1));
  seen["start under a running id"] = code(await client("startNew", "sum", { instanceId: waiting, input: 1 }));
  seen["purge of a running one"] = code(await client("purgeInstanceHistory", waiting));
  await client("raiseEvent", waiting, "go", { a: "b" });
  seen["an event's value"] = await end(waiting);
  seen["raise to a finished one"] = code(await client("raiseEvent", waiting, "go", 1));
  seen["purge of a finished one"] = code(await client("purgeInstanceHistory", waiting));
  const doomed = await start("events", 1);
  await client("terminate", doomed, "enough");
  seen["terminated"] = await end(doomed);

  return normalise(seen, url) as Observations;
}

/** Names of observations that differ, with both sides as JSON text. */
export function differences(a: Observations, b: Observations): readonly (readonly [string, string, string])[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names]
    .map((name) => [name, JSON.stringify(a[name]), JSON.stringify(b[name])] as const)
    .filter(([, left, right]) => left !== right);
}
