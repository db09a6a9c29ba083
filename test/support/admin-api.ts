/**
 * The admin API in this process, without HTTP: an operation asked by its declaration and served by its route, for tests of use cases as
 * admins meet them. Tokens are left out: `test/functions/guards.test.ts` holds them.
 */
import { adminRoutes } from "../../functions/admin-routes.ts";
import type { UseCases } from "../../functions/use-cases.ts";
import type { Failure } from "../../shared/application/failure.ts";
import {
  type BodyInput,
  type Operation,
  type ParamName,
  pathWith,
  type ReplyOf,
} from "../../shared/contracts/operation.ts";

export interface AskedOf<O extends Operation> {
  readonly params?: Readonly<Record<ParamName<O["path"]>, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: BodyInput<O>;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly by?: string;
}

/** `body` is what the contract makes of the answer; a refusal has its failure instead. */
export interface Answered<O extends Operation> {
  readonly status: number;
  readonly body: ReplyOf<O>;
  readonly etag: string | undefined;
  readonly failure: Failure | undefined;
}

export function createAdminApi(cloud: UseCases) {
  const routes = adminRoutes(cloud.routes);
  return async function ask<const O extends Operation>(operation: O, asked: AskedOf<O>): Promise<Answered<O>> {
    const route = routes.find((own) => own.operation.id === operation.id);
    if (route?.guard !== "admin-read" && route?.guard !== "admin-write")
      throw new Error(`${operation.id} isn't served.`);
    const params: Readonly<Record<string, string>> = asked.params ?? {};
    const body = Buffer.from(asked.body === undefined ? "" : JSON.stringify(asked.body));
    const path = `/api/${pathWith<Operation>(operation, params)}`;
    const result = await route.handle(
      {
        ...{ method: operation.method, params, body, isGzip: false, ifMatch: asked.ifMatch ?? null },
        ifNoneMatch: asked.ifNoneMatch ?? null,
        ...{ query: new URLSearchParams(asked.query), origin: "https://uplink.example" },
        signed: { method: operation.method, path, proof: null, body },
      },
      { id: asked.by ?? "ann", roles: [] },
      cloud.routes.audit,
    );
    if (!result.ok) {
      const { failure } = result;
      return { status: failure.status, body: undefined as ReplyOf<O>, etag: undefined, failure };
    }
    const { status, body: answered, headers } = result.value;
    const reply = (
      operation.reply ? operation.reply.parse(JSON.parse(JSON.stringify(answered))) : undefined
    ) as ReplyOf<O>;
    return { status, body: reply, etag: headers?.["etag"], failure: undefined };
  };
}
