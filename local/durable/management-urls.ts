/** The URLs of the Durable extension's HTTP API: the value of a `durableClient` binding, and the links of one instance. */

export type ManagementUrls = {
  readonly id: string;
  readonly statusQueryGetUri: string;
  readonly sendEventPostUri: string;
  readonly terminatePostUri: string;
  readonly rewindPostUri: string;
  readonly purgeHistoryDeleteUri: string;
  readonly restartPostUri: string;
  readonly suspendPostUri: string;
  readonly resumePostUri: string;
};

export type DurableUrlsInput = {
  /** Of the public endpoint, `https://localhost:7071`. */
  readonly origin: string;
  readonly taskHub: string;
  /** The system key that the webhooks ask for. */
  readonly systemKey: string;
};

const base = "/runtime/webhooks/durabletask";
const suffix = ({ taskHub, systemKey }: DurableUrlsInput): string =>
  `taskHub=${encodeURIComponent(taskHub)}&connection=Storage&code=${encodeURIComponent(systemKey)}`;

export function managementUrls(input: DurableUrlsInput, instanceId: string): ManagementUrls {
  // INSTANCEID is the placeholder that the library's client replaces.
  const id = instanceId === "INSTANCEID" ? instanceId : encodeURIComponent(instanceId);
  const at = `${input.origin}${base}/instances/${id}`;
  const common = suffix(input);
  return {
    id: instanceId,
    statusQueryGetUri: `${at}?${common}`,
    sendEventPostUri: `${at}/raiseEvent/{eventName}?${common}`,
    terminatePostUri: `${at}/terminate?reason={text}&${common}`,
    rewindPostUri: `${at}/rewind?reason={text}&${common}`,
    purgeHistoryDeleteUri: `${at}?${common}`,
    restartPostUri: `${at}/restart?${common}`,
    suspendPostUri: `${at}/suspend?reason={text}&${common}`,
    resumePostUri: `${at}/resume?reason={text}&${common}`,
  };
}

/** The JSON value that a function's `durableClient` input receives. `rpcBaseUrl` ends in a slash. */
export function durableClientValue(input: DurableUrlsInput, rpcBaseUrl: string): Readonly<Record<string, unknown>> {
  const start = `${input.origin}${base}/orchestrators/{functionName}[/{instanceId}]`;
  const common = suffix(input);
  return {
    taskHubName: input.taskHub,
    creationUrls: {
      createNewInstancePostUri: `${start}?${common}`,
      createAndWaitOnNewInstancePostUri: `${start}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${common}`,
    },
    managementUrls: managementUrls(input, "INSTANCEID"),
    baseUrl: `${input.origin}${base}`,
    requiredQueryStringParameters: common,
    rpcBaseUrl,
  };
}
