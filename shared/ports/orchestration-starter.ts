/** Starting and looking at orchestration instances, as far as `wakeJob` needs it. */
export type InstanceStatus = "unknown" | "running" | "ended";

export interface OrchestrationStarter {
  status(instanceId: string): Promise<InstanceStatus>;
  /** Starts an instance under a fresh id. Starting an id that runs already is reported as `false`. */
  start(name: string, instanceId: string, input: unknown): Promise<boolean>;
}
