/**
 * The part of rhea that the broker uses, with types, and its traps kept in one place.
 *
 * rhea is a CommonJS library whose typings leave out what a server needs: a link's credit, the settle modes that the
 * peer asked for, the way to confirm a settlement. Only this file touches those. Checked against rhea 3.0.5:
 *  - it lowers `link.credit` when frames are written, not when `send` is called, so what is queued must be taken off;
 *  - its send buffer holds 2,048 unsettled deliveries a session and throws above;
 *  - it merges settlements of one tick into a single disposition when the deliveries follow one another, even if their
 *    outcomes differ, and the first wins; so every negative answer gets a tick of its own.
 */

import type { AmqpError, Container, Delivery, Sender, Session } from "rhea";
import rhea from "rhea";
import { type BusMessage, maxMessageBytes } from "./bus-message.ts";

export type { AmqpError, Connection, Container, Delivery, EventContext, Receiver, Sender, Session } from "rhea";

type AttachFrame = {
  snd_settle_mode?: number;
  rcv_settle_mode?: number;
  readonly source?: { readonly address?: string; readonly filter?: Record<string, unknown> };
  readonly target?: { readonly address?: string };
};
type SenderInternals = {
  readonly credit: number;
  readonly local: { readonly attach: AttachFrame };
  readonly remote: { readonly attach: AttachFrame };
  readonly session: {
    readonly outgoing: {
      available(): number;
      readonly next_delivery_id: number;
      readonly next_pending_delivery: number;
    };
  };
};
type DeliveryInternals = { settled: boolean; remote_settled: boolean };

/** AMQP 1.0 type codes, for arrays of them. */
const typeCodes = { long: 0x81, timestamp: 0x83 } as const;
const settledBySender = 1;

function internalsOf(sender: Sender): SenderInternals {
  return sender as unknown as SenderInternals;
}

/** A container that accepts anonymous SASL, as the emulator does: what a client may do is decided at `$cbs`. */
export function createContainer(): Container {
  const container = rhea.create_container({
    id: "local-service-bus",
    treat_modified_as_released: false,
    receiver_options: { autoaccept: false, credit_window: 1000, max_message_size: maxMessageBytes },
  });
  container.sasl_server_mechanisms.enable_anonymous();
  // The mechanism by which Azure's own clients announce that a token follows.
  container.sasl_server_mechanisms.MSSBCBS = container.sasl_server_mechanisms.ANONYMOUS;
  return container;
}

export function encodeMessage(message: BusMessage): Buffer {
  return rhea.message.encode(message);
}

export function decodeMessage(encoded: Buffer): BusMessage {
  return rhea.message.decode(encoded);
}

/** The messages of a batch (message format 0x80013700): each is a data section of the envelope. */
export function decodeBatch(envelope: Buffer): BusMessage[] {
  const { content } = rhea.message.decode(envelope)["body"] as { content: Buffer | Buffer[] };
  return (Array.isArray(content) ? content : [content]).map(decodeMessage);
}

/** What the client asked for when it attached a link to receive on. */
export function attachmentOf(sender: Sender): {
  readonly sourceAddress: string;
  readonly targetAddress: string | undefined;
  readonly receiveAndDelete: boolean;
  readonly wantsSession: boolean;
} {
  const { attach } = internalsOf(sender).remote;
  return {
    sourceAddress: attach.source?.address ?? "",
    targetAddress: attach.target?.address,
    receiveAndDelete: attach.snd_settle_mode === settledBySender,
    wantsSession: Object.keys(attach.source?.filter ?? {}).includes("com.microsoft:session-filter"),
  };
}

/** Answers an attach with the terminals and settle modes that the client asked for. */
export function acceptSender(sender: Sender): void {
  const { local, remote } = internalsOf(sender);
  sender.set_source({ address: remote.attach.source?.address ?? "" });
  sender.set_target({ address: remote.attach.target?.address ?? "" });
  const { snd_settle_mode, rcv_settle_mode } = remote.attach;
  if (snd_settle_mode !== undefined) local.attach.snd_settle_mode = snd_settle_mode;
  if (rcv_settle_mode !== undefined) local.attach.rcv_settle_mode = rcv_settle_mode;
}

/** How many more messages may be sent on a link now. */
export function creditOf(sender: Sender): number {
  const { credit, session } = internalsOf(sender);
  if (!sender.is_open() || session.outgoing.available() <= 0) return 0;
  return credit - (session.outgoing.next_delivery_id - session.outgoing.next_pending_delivery);
}

/** Sends an encoded message; `deliveryTag` carries the lock token, and is absent for receive-and-delete. */
export function sendEncoded(sender: Sender, encoded: Buffer, deliveryTag?: Buffer): Delivery {
  return sender.send(encoded, deliveryTag, 0);
}

/** Confirms the client's settlement (or refuses it) with the final disposition. */
export function confirmSettlement(delivery: Delivery, error?: AmqpError): void {
  const settle = (outcome: { described(): unknown }): void => {
    delivery.update(true, outcome.described());
    (delivery as unknown as DeliveryInternals).remote_settled = true;
  };
  const outcomes = rhea.message as unknown as Record<
    "accepted" | "rejected",
    (fields?: object) => { described(): unknown }
  >;
  if (error === undefined) settle(outcomes.accepted());
  else setImmediate(() => settle(outcomes.rejected({ error })));
}

/** Refuses a message that a client sent. */
export function refuseDelivery(delivery: Delivery, error: AmqpError): void {
  setImmediate(() => delivery.reject(error));
}

/** Answers a request on the link that the client opened for replies. Lost when that link has gone in the meantime. */
export function reply(
  session: Session,
  request: BusMessage,
  properties: Record<string, unknown>,
  body?: unknown,
): void {
  // `$management` clients name the link's target as they ask; `$cbs` clients give only the link that name.
  const isReplyLink = (link: Sender): boolean =>
    link.name === request.reply_to || attachmentOf(link).targetAddress === request.reply_to;
  const answer = { correlation_id: request.message_id, application_properties: properties, body };
  session.find_sender(isReplyLink)?.send(encodeMessage(answer), undefined, 0);
}

export const amqpLong = (value: number): unknown => rhea.types.wrap_long(value);
export const amqpInt = (value: number): unknown => rhea.types.wrap_int(value);
export const amqpSymbol = (value: string): unknown => rhea.types.wrap_symbol(value);
export const amqpLongs = (values: readonly number[]): unknown =>
  rhea.types.wrap_array(values, typeCodes.long, undefined);
export const amqpTimestamps = (values: readonly Date[]): unknown =>
  rhea.types.wrap_array(values, typeCodes.timestamp, undefined);

/** An AMQP long as rhea decodes it: a number where that is exact, else its eight bytes. */
export function numberOf(long: unknown): number {
  return Buffer.isBuffer(long) ? Number(long.readBigInt64BE()) : Number(long);
}
