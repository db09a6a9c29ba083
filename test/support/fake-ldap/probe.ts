/** A plain LDAP client for the fake servers' own tests: one answer as it came, without what the agent makes of it. */
import { Ber, BerReader, BerWriter, Client, Control } from "ldapts";
import { EveryName, NamesForTheRequest, toLdapEntry } from "../../../agent/source/ldap/entries.ts";
import type { FakeLdap } from "./fake-ldap.ts";
import { OID } from "./messages.ts";

/** Attributes' values as text by name in lower case; bytes (GUIDs, SIDs) in hexadecimal. */
export type Seen = Readonly<Record<string, readonly string[]>> & { readonly dn: readonly string[] };

export interface Probe {
  dirSync(request: {
    readonly attributes: readonly string[];
    readonly cookie?: Buffer;
    readonly flags?: number;
    readonly maxBytes?: number;
    readonly filter?: string;
    readonly base?: string;
  }): Promise<{ entries: Seen[]; cookie: Buffer; more: boolean }>;
  search(request: {
    readonly base: string;
    readonly scope?: "base" | "one" | "sub";
    readonly filter?: string;
    readonly attributes?: readonly string[];
    readonly showDeleted?: boolean;
    readonly extended?: boolean;
    readonly pageSize?: number;
    readonly sizeLimit?: number;
  }): Promise<Seen[]>;
  close(): Promise<void>;
}

/** Has a value, which answers bring back changed; `value` holds the latest. */
class ValueControl extends Control {
  value: Buffer;
  constructor(type: string, value: Buffer) {
    super(type, { critical: true });
    this.value = value;
  }
  protected override writeControl(writer: BerWriter): void {
    if (this.value.length > 0) writer.writeBuffer(this.value, Ber.OctetString);
  }
  protected override parseControl(reader: BerReader): void {
    this.value = Buffer.from(reader.remainingBuffer);
  }
}

export async function openProbe(server: FakeLdap, root: string): Promise<Probe> {
  const client = new Client({
    url: server.url,
    timeout: 5_000,
    connectTimeout: 5_000,
    strictDN: false,
    tlsOptions: { rejectUnauthorized: false },
  });
  await client.bind("reader@corp.example.com", server.password);

  async function run(base: string, options: Parameters<Client["search"]>[1], controls: Control[]): Promise<Seen[]> {
    const result = await client.search(
      base,
      {
        ...options,
        attributes: NamesForTheRequest.from(options?.attributes ?? []),
        explicitBufferAttributes: new EveryName(),
      },
      controls,
    );
    return result.searchEntries.map((entry) => {
      const { dn, valuesByName } = toLdapEntry(entry);
      const shown = [...valuesByName].map(([name, values]) => [
        name,
        values.map((value) => (/guid$|sid$/.test(name) ? value.toString("hex") : value.toString("utf8"))),
      ]);
      return { ...Object.fromEntries(shown), dn: [dn] };
    });
  }

  return {
    dirSync: async ({
      attributes,
      cookie = Buffer.alloc(0),
      flags = 0x80000000,
      maxBytes = 0,
      filter,
      base = root,
    }) => {
      const value = sequence((writer) => {
        writer.writeInt(flags | 0);
        writer.writeInt(maxBytes);
        writer.writeBuffer(cookie, Ber.OctetString);
      });
      const control = new ValueControl(OID.dirSync, value);
      const entries = await run(
        base,
        { scope: "sub", filter: filter ?? "(objectClass=*)", attributes: [...attributes] },
        [control, extendedControl()],
      );
      const reader = new BerReader(control.value);
      reader.readSequence();
      const more = reader.readInt() === 1;
      reader.readInt();
      return { entries, more, cookie: Buffer.from(reader.readString(Ber.OctetString, true) ?? []) };
    },
    search: async ({ base, scope = "sub", filter = "(objectClass=*)", attributes = [], ...options }) => {
      const controls: Control[] = [];
      if (options.showDeleted) controls.push(new ValueControl(OID.showDeleted, Buffer.alloc(0)));
      if (options.extended) controls.push(extendedControl());
      return run(
        base,
        {
          scope,
          filter,
          attributes: [...attributes],
          ...(options.pageSize === undefined ? {} : { paged: { pageSize: options.pageSize } }),
          ...(options.sizeLimit === undefined ? {} : { sizeLimit: options.sizeLimit }),
        },
        controls,
      );
    },
    close: () => client.unbind(),
  };
}

const extendedControl = (): Control =>
  new ValueControl(
    OID.extendedDn,
    sequence((writer) => writer.writeInt(1)),
  );

function sequence(write: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  write(writer);
  writer.endSequence();
  return Buffer.from(writer.buffer);
}
