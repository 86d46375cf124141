/** A service of `docker compose config --format json`, as far as it is looked at. */
export interface ComposeService {
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly image?: string;
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly hostname?: string;
  readonly volumes?: readonly {
    readonly type?: string;
    readonly source?: string;
    readonly target?: string;
  }[];
  readonly tmpfs?: string | readonly string[];
  readonly read_only?: boolean;
  readonly deploy?: { readonly restart_policy?: { readonly condition?: string } };
}
