/** The errors that Azure Service Bus answers with, by the conditions that its clients know. */

import type { AmqpError } from "./amqp.ts";

export const lockLost: AmqpError = {
  condition: "com.microsoft:message-lock-lost",
  description:
    "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.",
};

export function entityNotFound(address: string): AmqpError {
  return {
    condition: "amqp:not-found",
    description: `The messaging entity '${address}' could not be found. Start the local broker with a queue of that name.`,
  };
}

export function messageNotFound(sequence: number): AmqpError {
  return {
    condition: "com.microsoft:message-not-found",
    description: `No scheduled message has the sequence number ${sequence}.`,
  };
}

export function messageTooLarge(bytes: number, limit: number): AmqpError {
  return {
    condition: "amqp:link:message-size-exceeded",
    description: `The message has ${bytes} bytes; the limit is ${limit}. Send a reference to the payload instead.`,
  };
}

export function notAllowed(description: string): AmqpError {
  return { condition: "amqp:not-allowed", description };
}

export function unauthorized(address: string): AmqpError {
  return {
    condition: "amqp:unauthorized-access",
    description: `No valid token was put for '${address}'. Use the connection string that the local broker printed.`,
  };
}

/** For what the service can do and the local broker leaves out. */
export function leftOut(feature: string): AmqpError {
  return { condition: "amqp:not-implemented", description: `The local Service Bus broker does not offer ${feature}.` };
}
