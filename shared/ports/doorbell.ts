/** The bell of a job and lane: an empty message. Losing one delays work, repeating one costs a look. */
export type Lane = "bulk" | "live";

export interface Doorbell {
  /** Throws when the bus can't be reached; the caller may swallow that, the tick rings again. */
  ring(jobId: string, lane: Lane): Promise<void>;
  close(): Promise<void>;
}
