import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "@msdha/testkit";
import {
  type ContainerRuntimeClient,
  GenericContainer,
  getContainerRuntimeClient,
  PullPolicy,
  type StartedNetwork,
  StartupCheckStrategy,
} from "testcontainers";
import { TEST_LABEL, testRun } from "./leftovers.ts";

type Handle = ReturnType<ContainerRuntimeClient["container"]["getById"]>;
type CreateOptions = GenericContainer["createOpts"];
type HostConfig = GenericContainer["hostConfig"];

export interface ContainerOptions {
  readonly image: string;
  readonly network: StartedNetwork;
  /** What others on the network find it by. */
  readonly alias: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly user?: string;
  /** In the place of the image's. */
  readonly healthCheck?: NonNullable<CreateOptions["Healthcheck"]>;
  /** Whatever else `docker run` can be told: `{ Init: true }`, `{ ReadonlyRootfs: true }`, … */
  readonly host?: HostConfig;
}

/** A container, and what a test does to it as an operator would with the `docker` command. */
export interface Container extends AsyncDisposable {
  readonly name: string;
  readonly alias: string;
  /** Everything that it has printed, of all its runs. */
  log(): Promise<string>;
  logged(pattern: RegExp, timeoutMs?: number): Promise<string>;
  exec(command: readonly string[], options?: { readonly user?: string }): Promise<Executed>;
  address(): Promise<string>;
  running(): Promise<boolean>;
  /** Resolves with the exit code when it has ended. */
  exited(timeoutMs?: number): Promise<number>;
  health(): Promise<string>;
  /** When its first process was started, as `Date.now()` counts. */
  startedAt(): Promise<number>;
  start(): Promise<void>;
  /** Sends SIGTERM (or what the image says), and SIGKILL later (default: after ten seconds). */
  stop(timeoutSeconds?: number): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  pause(): Promise<void>;
  unpause(): Promise<void>;
  /** Takes it off its network, as if a cable were pulled. */
  disconnect(): Promise<void>;
  reconnect(): Promise<void>;
  /** Sees to it that it runs, is not paused and is on its network, whatever was done to it. */
  repair(): Promise<void>;
}

export interface Executed {
  readonly code: number;
  readonly output: string;
}

/** Starts a container and does not wait for anything in it. Disposing removes it and its anonymous volumes. */
export async function runContainer(options: ContainerOptions): Promise<Container> {
  const client = await getContainerRuntimeClient();
  const started = await new Plan(options).start();
  const handle = client.container.getById(started.getId());
  return new RunningContainer(client, handle, options, started.getName().replace(/^\//, ""));
}

class Plan extends GenericContainer {
  constructor({
    image,
    network,
    alias,
    env,
    command,
    entrypoint,
    user,
    healthCheck,
    host,
  }: ContainerOptions) {
    super(image);
    const networkName = network.getName();
    this.withName(`${alias}-${Math.random().toString(36).slice(2, 8)}`)
      .withPullPolicy(PullPolicy.neverPull())
      .withNetwork(network)
      .withLabels({ [TEST_LABEL]: testRun() })
      .withWaitStrategy(new NoWait())
      .withAutoRemove(false)
      .withEnvironment({ ...env });
    if (command) this.withCommand([...command]);
    if (entrypoint) this.withEntrypoint([...entrypoint]);
    if (user) this.withUser(user);
    if (healthCheck) this.createOpts.Healthcheck = healthCheck;
    // Not withNetworkAliases, which puts the container on the default bridge as well.
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [networkName]: { Aliases: [alias] } } };
    Object.assign(this.hostConfig, host);
  }
}

class NoWait extends StartupCheckStrategy {
  async checkStartupState(): Promise<"SUCCESS"> {
    return "SUCCESS";
  }
}

class RunningContainer implements Container {
  readonly name: string;
  readonly alias: string;
  readonly #client: ContainerRuntimeClient;
  readonly #handle: Handle;
  readonly #network: StartedNetwork;

  constructor(client: ContainerRuntimeClient, handle: Handle, options: ContainerOptions, name: string) {
    this.#client = client;
    this.#handle = handle;
    this.#network = options.network;
    this.alias = options.alias;
    this.name = name;
  }

  async log(): Promise<string> {
    // Not following, the engine sends it in one piece; the types only know the stream.
    const raw = (await this.#handle.logs({ stdout: true, stderr: true })) as unknown as Buffer;
    return plainText(raw);
  }

  async logged(pattern: RegExp, timeoutMs = 30_000): Promise<string> {
    let log = "";
    const find = async (): Promise<string | undefined> => {
      log = await this.log();
      return log.split("\n").find((line) => pattern.test(line));
    };
    return await waitFor(find, { what: `${pattern} in the log of ${this.alias}`, timeoutMs }).catch(
      (error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : error}\n${log}`, { cause: error });
      },
    );
  }

  async exec(command: readonly string[], { user }: { readonly user?: string } = {}): Promise<Executed> {
    const { exitCode, output } = await this.#client.container.exec(this.#handle, [...command], {
      log: false,
      ...(user && { user }),
    });
    return { code: exitCode, output };
  }

  async address(): Promise<string> {
    const { NetworkSettings } = await this.#handle.inspect();
    const address = NetworkSettings.Networks[this.#network.getName()]?.IPAddress;
    if (!address) throw new Error(`${this.alias} has no address on ${this.#network.getName()}`);
    return address;
  }

  async running(): Promise<boolean> {
    return (await this.#handle.inspect()).State.Running;
  }

  async exited(timeoutMs = 60_000): Promise<number> {
    const { State } = await waitFor(
      async () => {
        const seen = await this.#handle.inspect();
        return seen.State.Status === "exited" ? seen : undefined;
      },
      { what: `${this.alias} to end`, timeoutMs },
    );
    return State.ExitCode;
  }

  async health(): Promise<string> {
    return (await this.#handle.inspect()).State.Health?.Status ?? "none";
  }

  async startedAt(): Promise<number> {
    return Date.parse((await this.#handle.inspect()).State.StartedAt);
  }

  async start(): Promise<void> {
    await this.#handle.start();
  }

  async stop(timeoutSeconds = 10): Promise<void> {
    await this.#handle.stop({ t: timeoutSeconds });
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.#handle.kill({ signal });
  }

  async pause(): Promise<void> {
    await this.#handle.pause();
  }

  async unpause(): Promise<void> {
    await this.#handle.unpause();
  }

  async disconnect(): Promise<void> {
    await this.#engineNetwork().disconnect({ Container: this.#handle.id, Force: true });
  }

  async reconnect(): Promise<void> {
    await this.#engineNetwork().connect({
      Container: this.#handle.id,
      EndpointConfig: { Aliases: [this.alias] },
    });
  }

  async repair(): Promise<void> {
    const { State, NetworkSettings } = await this.#handle.inspect();
    if (State.Paused) await this.unpause();
    if (!NetworkSettings.Networks[this.#network.getName()]) await this.reconnect();
    if (!State.Running) await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A paused container can't be removed by every engine.
    await this.#handle.unpause().catch(() => {});
    await this.#handle.remove({ force: true, v: true }).catch(async (error: unknown) => {
      if (!isGone(error)) {
        await sleep(500);
        await this.#handle.remove({ force: true, v: true });
      }
    });
  }

  #engineNetwork(): ReturnType<ContainerRuntimeClient["network"]["getById"]> {
    return this.#client.network.getById(this.#network.getId());
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && error.statusCode === 404;
}

/** Without a terminal the engine puts eight bytes before each piece: the stream, three zeros, the length. */
function plainText(raw: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= raw.length; ) {
    const end = at + 8 + raw.readUInt32BE(at + 4);
    pieces.push(raw.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces).toString("utf8");
}
