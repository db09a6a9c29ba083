/**
 * The history of one orchestration instance, in the words and numbers that durable-functions reads
 * (`HistoryEventType` of the package). Events are plain JSON; names are the wire's, hence the capitals.
 *
 * `IsPlayed` is always false, as the extension sends it: the library tells a replay by the last OrchestratorStarted.
 */

export const eventType = {
  ExecutionStarted: 0,
  ExecutionCompleted: 1,
  ExecutionTerminated: 3,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  SubOrchestrationInstanceCreated: 7,
  SubOrchestrationInstanceCompleted: 8,
  SubOrchestrationInstanceFailed: 9,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  /** A message to an entity left the orchestration. */
  EventSent: 14,
  EventRaised: 15,
  /** What a rewind leaves in the place of an event that it takes back; a replay passes over it. */
  GenericEvent: 17,
  ExecutionSuspended: 19,
  ExecutionResumed: 20,
} as const;

export type EventTypeName = keyof typeof eventType;

/** What the library makes a `TaskFailedError` of; sent only when the app registered an exception properties provider. */
export type FailureDetails = {
  readonly ErrorType: string;
  readonly ErrorMessage: string;
  readonly StackTrace?: string;
  readonly IsNonRetriable: boolean;
  readonly Properties?: unknown;
  readonly InnerFailure?: FailureDetails;
};

export type HistoryEvent = {
  readonly EventType: number;
  /** The task's number on an event that schedules one, −1 on every other. */
  readonly EventId: number;
  readonly IsPlayed: false;
  /** ISO 8601, UTC. */
  readonly Timestamp: string;
  readonly Name?: string;
  readonly Version?: string;
  /** JSON text. */
  readonly Input?: string | null;
  readonly InstanceId?: string;
  readonly FireAt?: string;
  readonly TimerId?: number;
  readonly TaskScheduledId?: number;
  /** JSON text. */
  readonly Result?: string;
  readonly Reason?: string;
  readonly Details?: string;
  /** Of ExecutionCompleted: 1 completed, 3 failed. */
  readonly OrchestrationStatus?: number;
  /** Of GenericEvent. */
  readonly Data?: string;
  readonly FailureDetails?: FailureDetails;
};

type EventFields = Omit<HistoryEvent, "EventType" | "EventId" | "IsPlayed" | "Timestamp"> & {
  readonly EventId?: number;
};

export function historyEvent(name: EventTypeName, atMs: number, fields: EventFields = {}): HistoryEvent {
  const { EventId = -1, ...rest } = fields;
  return { EventType: eventType[name], EventId, IsPlayed: false, Timestamp: new Date(atMs).toISOString(), ...rest };
}

/** The number of the task that an event completes, or undefined when it completes none (external events, control). */
export function completedTaskId(event: HistoryEvent): number | undefined {
  return event.EventType === eventType.TimerFired ? event.TimerId : event.TaskScheduledId;
}
