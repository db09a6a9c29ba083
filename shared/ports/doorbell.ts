/** The bell of a job and lane: a message that carries no data, so a lost or repeated one does no harm. */
export type Lane = "bulk" | "live";

export interface Doorbell {
  /** Throws when the bus can't be reached; the caller may swallow that, the tick rings again. */
  ring(jobId: string, lane: Lane): Promise<void>;
  close(): Promise<void>;
}
