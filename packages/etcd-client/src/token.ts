import type { EtcdUser } from "./settings.ts";

/** The token that etcd gives for a name and a password, asked for when it is first needed and then kept. */
export interface TokenKeeper {
  /** Resolves with the token; undefined when no user is set, or etcd has authentication switched off. */
  get(): Promise<string | undefined>;
  /** Has the next `get` ask again, unless that was done since `token` was given. */
  discard(token: string | undefined): void;
}

/** `authenticate` resolves with undefined when authentication is off. What fails is not kept. */
export function createTokenKeeper(
  user: EtcdUser | undefined,
  authenticate: (user: EtcdUser) => Promise<string | undefined>,
): TokenKeeper {
  let current: Promise<string | undefined> | undefined;
  let known: { readonly token: string | undefined } | undefined;

  async function ask(wanted: EtcdUser): Promise<string | undefined> {
    try {
      const token = await authenticate(wanted);
      known = { token };
      return token;
    } catch (error) {
      current = undefined;
      throw error;
    }
  }

  return {
    get() {
      if (!user) return Promise.resolve(undefined);
      current ??= ask(user);
      return current;
    },
    discard(token) {
      if (!known || known.token !== token) return;
      known = undefined;
      current = undefined;
    },
  };
}
