/**
 * Where secrets lie: each a text under a name, replaced whole. What a secret means is decided by `shared/application`; nothing of it
 * ever stands in a row, a log or an answer.
 */
export interface SecretStore {
  /** Undefined: there is none of that name. Throws `SecretsUnavailable`. */
  get(name: string): Promise<string | undefined>;
  /** Throws `SecretsUnavailable`. */
  set(name: string, value: string): Promise<void>;
}

/** The store can't be reached, or refuses; the message holds no secret. */
export class SecretsUnavailable extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SecretsUnavailable";
    this.remedy = remedy;
  }
}
