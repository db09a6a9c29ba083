/**
 * The operations of a queue's `$management` node: lock renewal, settlement of messages whose receiver is closed,
 * peeking, and the schedule. A request names its operation in an application property and carries a map; the answer is
 * a status code and a map.
 *
 * Session and deferral operations are answered with "not implemented": the broker has neither.
 */

import { type AmqpError, amqpInt, amqpLongs, amqpSymbol, amqpTimestamps, decodeMessage, numberOf } from "./amqp.ts";
import { leftOut, lockLost, messageNotFound } from "./bus-errors.ts";
import { type BusMessage, scheduledTimeOf } from "./bus-message.ts";
import { applySettlement, type Settlement } from "./consumers.ts";
import { lockTokenOf } from "./lock-token.ts";
import type { Properties, QueueState } from "./queue-state.ts";
import { encodeStored } from "./stored-encoding.ts";

type RequestBody = Readonly<Record<string, unknown>>;
type Answer = { readonly status: 200 | 204; readonly body?: Record<string, unknown> } | { readonly error: AmqpError };
type Operation = (queue: QueueState, body: RequestBody, admit: (message: BusMessage) => BusMessage) => Answer;

export type ManagementReply = { readonly properties: Record<string, unknown>; readonly body?: unknown };

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const lockTokensOf = (body: RequestBody): string[] =>
  listOf(body["lock-tokens"])
    .filter((token) => Buffer.isBuffer(token))
    .map(lockTokenOf);
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function settlementOf(body: RequestBody): Settlement | undefined {
  const properties = (body["properties-to-modify"] ?? {}) as Properties;
  const reason = textOf(body["deadletter-reason"]);
  const description = textOf(body["deadletter-description"]);
  const why = { ...(reason !== undefined && { reason }), ...(description !== undefined && { description }) };
  switch (body["disposition-status"]) {
    case "completed":
      return { kind: "complete" };
    case "abandoned":
      return { kind: "abandon", properties };
    case "suspended":
      return { kind: "dead-letter", why, properties };
    case "defered":
      return { kind: "defer" };
    default:
      return undefined;
  }
}

const operations: Readonly<Record<string, Operation>> = {
  "renew-lock": (queue, body) => {
    const expirations: Date[] = [];
    for (const lockToken of lockTokensOf(body)) {
      const lockedUntilMs = queue.renewLock(lockToken);
      if (lockedUntilMs === undefined) return { error: lockLost };
      expirations.push(new Date(lockedUntilMs));
    }
    return { status: 200, body: { expirations: amqpTimestamps(expirations) } };
  },

  "update-disposition": (queue, body) => {
    const settlement = settlementOf(body);
    if (settlement === undefined) return { error: leftOut(`the disposition '${body["disposition-status"]}'`) };
    for (const lockToken of lockTokensOf(body)) {
      const error = applySettlement(queue, lockToken, settlement);
      if (error !== undefined) return { error };
    }
    return { status: 200 };
  },

  "schedule-message": (queue, body, admit) => {
    const sequences = listOf(body["messages"]).map((entry) => {
      const message = admit(decodeMessage((entry as { message: Buffer }).message));
      return queue.schedule(message, scheduledTimeOf(message) ?? 0);
    });
    return { status: 200, body: { "sequence-numbers": amqpLongs(sequences) } };
  },

  "cancel-scheduled-message": (queue, body) => {
    for (const sequence of listOf(body["sequence-numbers"]).map(numberOf)) {
      if (!queue.cancelScheduled(sequence)) return { error: messageNotFound(sequence) };
    }
    return { status: 200 };
  },

  "peek-message": (queue, body) => {
    const peeked = queue.peek(numberOf(body["from-sequence-number"]), numberOf(body["message-count"]));
    if (peeked.length === 0) return { status: 204 };
    return {
      status: 200,
      body: { messages: peeked.map(({ stored, state }) => ({ message: encodeStored(stored, { state }) })) },
    };
  },
};

function statusOf(error: AmqpError): number {
  if (error === lockLost) return 410;
  if (error.condition === "amqp:not-implemented") return 501;
  return error.condition?.endsWith("not-found") ? 404 : 400;
}

/** Carries out one request. `admit` prepares a message for being stored (it assigns a missing id). */
export function answerRequest(
  queue: QueueState,
  request: BusMessage,
  admit: (message: BusMessage) => BusMessage,
): ManagementReply {
  const name = String(request.application_properties?.["operation"]).replace("com.microsoft:", "");
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  const answer =
    operation === undefined
      ? { error: leftOut(`the operation '${name}'`) }
      : operation(queue, (request.body ?? {}) as RequestBody, admit);
  if ("error" in answer) {
    const { error } = answer;
    return {
      properties: {
        statusCode: amqpInt(statusOf(error)),
        statusDescription: error.description,
        errorCondition: amqpSymbol(error.condition ?? "amqp:internal-error"),
      },
    };
  }
  return {
    properties: { statusCode: amqpInt(answer.status), statusDescription: "OK" },
    ...(answer.body !== undefined && { body: answer.body }),
  };
}
