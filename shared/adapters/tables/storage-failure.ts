/** What went wrong with a call to Azure Storage: a conflict that the port knows, or a `StorageError` for all else. */

import { StorageError } from "../../ports/row-store.ts";

/** The parts of the SDKs' errors that are read here. */
export interface ServiceAnswer {
  readonly status: number | undefined;
  readonly code: string;
  readonly message: string;
}

const UNREACHABLE_STATUS = new Set([408, 429, 500, 502, 503, 504]);
/** Said with 409, and over after a while. */
const PASSING_CODE = /BeingDeleted|ServerBusy|OperationTimedOut|AccountBeingCreated/;
const CONFLICT_BY_CODE: Readonly<Record<string, "exists" | "changed" | "missing">> = {
  EntityAlreadyExists: "exists",
  UpdateConditionNotSatisfied: "changed",
  ConditionNotMet: "changed",
  ResourceNotFound: "missing",
  EntityNotFound: "missing",
};
const CONFLICT_BY_STATUS: Readonly<Record<number, "exists" | "changed" | "missing">> = {
  404: "missing",
  409: "exists",
  412: "changed",
};

/** Reads an error of `@azure/data-tables` or `@azure/storage-blob`; anything else has no status and no code. */
export function serviceAnswer(error: unknown): ServiceAnswer {
  const fields = (typeof error === "object" && error !== null ? error : {}) as Readonly<Record<string, unknown>>;
  const details = (typeof fields["details"] === "object" && fields["details"] !== null ? fields["details"] : {}) as {
    readonly odataError?: { readonly code?: unknown };
    readonly errorCode?: unknown;
  };
  const code = [fields["code"], details.odataError?.code, details.errorCode].find((one) => typeof one === "string");
  return {
    status: typeof fields["statusCode"] === "number" ? fields["statusCode"] : undefined,
    code: typeof code === "string" ? code : "",
    message: error instanceof Error ? error.message : String(error),
  };
}

/** A transaction's refusal as the port tells it; undefined when the error is none of the three conflicts. */
export function conflictOf(answer: ServiceAnswer, operations: number) {
  const known = CONFLICT_BY_CODE[answer.code];
  const reason = known ?? (answer.code === "" ? CONFLICT_BY_STATUS[answer.status ?? 0] : undefined);
  if (!reason) return undefined;
  // "7:The update condition …": the position of the operation. One operation alone is sometimes told without it.
  const index = Number(/^(\d+):/.exec(answer.message)?.[1] ?? (operations === 1 ? 0 : Number.NaN));
  return Number.isInteger(index) && index < operations ? { reason, index } : undefined;
}

/** Unreachable and throttled are worth another try; a refusal isn't until someone has mended something. */
export function storageError(error: unknown, what: string): StorageError {
  if (error instanceof StorageError) return error;
  const answer = serviceAnswer(error);
  const why = answer.message.split("\n")[0] ?? "";
  if (answer.status === undefined || UNREACHABLE_STATUS.has(answer.status) || PASSING_CODE.test(answer.code)) {
    const message = `Cannot ${what}: storage is not reachable (${answer.code || answer.status || "no answer"}: ${why}). It is tried again.`;
    return new StorageError("storage-unreachable", message, { cause: error });
  }
  const large = answer.status === 413 || /TooLarge|BodyTooLarge/.test(answer.code);
  const message = `Cannot ${what}: storage refuses with ${answer.status} ${answer.code}: ${why}`;
  return new StorageError(large ? "storage-too-large" : "storage-refused", `${message}. ${remedyFor(answer)}`, {
    cause: error,
  });
}

function remedyFor(answer: ServiceAnswer): string {
  if (answer.status === 401 || answer.status === 403) {
    return "Give the identity the data contributor role of the storage account, or check the connection string.";
  }
  return "See the code in Azure Storage's documentation.";
}
