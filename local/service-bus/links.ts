/**
 * The broker's side of every AMQP link: what a client sends (messages, tokens, management requests) and what it
 * receives (messages, replies).
 *
 * A connection may open links to queues only after a valid token was put at `$cbs`, once; Azure asks for one per link.
 */

import { isValidSignature, type SharedKey } from "./access.ts";
import {
  type AmqpError,
  acceptSender,
  attachmentOf,
  type Connection,
  type Container,
  type Delivery,
  decodeBatch,
  type EventContext,
  encodeMessage,
  type Receiver,
  refuseDelivery,
  reply,
  type Sender,
  type Session,
} from "./amqp.ts";
import { entityNotFound, leftOut, messageTooLarge, notAllowed, unauthorized } from "./bus-errors.ts";
import { type BusMessage, maxMessageBytes, scheduledTimeOf } from "./bus-message.ts";
import type { Consumers, Settlement } from "./consumers.ts";
import type { Address, Entities, Entity } from "./entities.ts";
import { answerRequest } from "./management.ts";

export type LinkDeps = {
  readonly container: Container;
  readonly entities: Entities;
  readonly key: SharedKey;
  readonly nowMs: () => number;
  readonly newMessageId: () => string;
  readonly log: (line: string) => void;
};

const tokenNode = "$cbs";
/** Events that rhea turns into uncaught errors when nobody listens: a client that vanishes must not end the host. */
const errorEvents = ["error", "connection_error", "protocol_error", "session_error", "sender_error", "receiver_error"];

export function serveLinks(deps: LinkDeps): void {
  const { container, entities } = deps;
  const trusted = new WeakSet<Connection>();
  const targets = new WeakMap<Receiver, Address>();
  const consumersBySender = new WeakMap<Sender, Consumers>();

  const admit = (message: BusMessage): BusMessage =>
    message.message_id === undefined ? { ...message, message_id: deps.newMessageId() } : message;

  const store = ({ queue }: Entity, message: BusMessage): void => {
    const dueMs = scheduledTimeOf(message);
    if (dueMs === undefined) queue.accept(admit(message));
    else queue.schedule(admit(message), dueMs);
  };

  const onMessages = (entity: Entity, delivery: Delivery, payload: BusMessage | Buffer): void => {
    const bytes = Buffer.isBuffer(payload) ? payload.length : encodeMessage(payload).length;
    if (bytes > maxMessageBytes) {
      refuseDelivery(delivery, messageTooLarge(bytes, maxMessageBytes));
      return;
    }
    for (const message of Buffer.isBuffer(payload) ? decodeBatch(payload) : [payload]) store(entity, message);
    delivery.accept();
  };

  const onToken = (connection: Connection, session: Session, request: BusMessage): void => {
    const valid = isValidSignature(String(request.body), deps.key, deps.nowMs());
    if (valid) trusted.add(connection);
    else deps.log(`refused a token for '${String(request.application_properties?.["name"])}'`);
    reply(session, request, {
      "status-code": valid ? 202 : 401,
      "status-description": valid ? "Accepted" : "The token's signature is wrong or it has expired.",
    });
  };

  /** Clients put their own words over some refusals, so the broker's log has the reason too. */
  const refuseLink = (link: Sender | Receiver, error: AmqpError): void => {
    deps.log(`refused a link: ${error.description}`);
    link.close(error);
  };

  /** The client wants to send: messages, tokens or management requests. */
  const onReceiverOpen = ({ receiver, connection }: Required<EventContext>): void => {
    const address = receiver.target.address ?? "";
    receiver.set_source(receiver.source);
    receiver.set_target({ address });
    if (address === tokenNode) return;
    const target = entities.find(address);
    if (!trusted.has(connection)) refuseLink(receiver, unauthorized(address));
    else if (target === undefined) refuseLink(receiver, entityNotFound(address));
    else if (target.entity.isDeadLetter && !target.isManagement) {
      refuseLink(receiver, notAllowed("Messages can't be sent to a dead-letter queue."));
    } else targets.set(receiver, target);
  };

  /** The client wants to receive: messages, or replies to what it asks of `$cbs` and `$management`. */
  const onSenderOpen = ({ sender, connection }: Required<EventContext>): void => {
    acceptSender(sender);
    const { sourceAddress: address, wantsSession } = attachmentOf(sender);
    if (address === tokenNode) return;
    const source = entities.find(address);
    if (!trusted.has(connection)) refuseLink(sender, unauthorized(address));
    else if (source === undefined) refuseLink(sender, entityNotFound(address));
    else if (wantsSession) refuseLink(sender, leftOut("sessions"));
    else if (!source.isManagement) {
      source.entity.consumers.add(sender);
      consumersBySender.set(sender, source.entity.consumers);
    }
  };

  const onMessage = (event: Required<EventContext>): void => {
    const { receiver, connection, session, delivery } = event;
    const message = event.message as BusMessage;
    if (receiver.target.address === tokenNode) {
      delivery.accept();
      onToken(connection, session, message);
      return;
    }
    const target = targets.get(receiver);
    if (target === undefined) return;
    if (target.isManagement) {
      delivery.accept();
      const { properties, body } = answerRequest(target.entity.queue, message, admit);
      reply(session, message, properties, body);
    } else onMessages(target.entity, delivery, event.message as BusMessage | Buffer);
  };

  const on = (event: string, handle: (context: Required<EventContext>) => void): void => {
    container.on(event, handle);
  };
  const onSettled = (event: string, settlementOf: (state: Record<string, unknown>) => Settlement): void =>
    on(event, ({ delivery, sender }) => {
      consumersBySender.get(sender)?.settle(delivery, settlementOf(delivery.remote_state ?? {}));
    });
  const leave = ({ sender }: Required<EventContext>): void => consumersBySender.get(sender)?.remove(sender);

  for (const event of errorEvents) {
    container.on(event, (context: EventContext | Error) => {
      const error = context instanceof Error ? context : context.error;
      if (error !== undefined) deps.log(`${event}: ${error.message}`);
    });
  }
  on("receiver_open", onReceiverOpen);
  on("sender_open", onSenderOpen);
  on("message", onMessage);
  on("sender_flow", ({ sender }) => consumersBySender.get(sender)?.pump());
  // A receive call that ran out of time asks for its credit back.
  on("sender_draining", ({ sender }) => sender.set_drained(true));
  on("sender_close", leave);
  on("session_close", ({ session }) => {
    session.each_sender(
      (sender: Sender) => consumersBySender.get(sender)?.remove(sender),
      () => true,
    );
  });
  on("disconnected", ({ connection }) => {
    for (const { consumers } of entities.all()) consumers.removeAllOf(connection);
  });

  onSettled("accepted", () => ({ kind: "complete" }));
  onSettled("released", () => ({ kind: "abandon", properties: {} }));
  onSettled("modified", (state) =>
    state["undeliverable_here"] === true
      ? { kind: "defer" }
      : { kind: "abandon", properties: (state["message_annotations"] ?? {}) as Record<string, unknown> },
  );
  onSettled("rejected", (state) => deadLetterOf(state["error"] as AmqpError | undefined));
}

/** A client that dead-letters puts reason, description and properties to add into the error's info. */
function deadLetterOf(error: AmqpError | undefined): Settlement {
  const { DeadLetterReason: reason, DeadLetterErrorDescription: description, ...properties } = error?.info ?? {};
  return {
    kind: "dead-letter",
    why: {
      ...(reason != null && { reason: String(reason) }),
      ...(description != null && { description: String(description) }),
    },
    properties,
  };
}
