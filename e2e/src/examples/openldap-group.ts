import { waitFor } from "@msdha/testkit";
import { execa } from "execa";
import type { TestNode } from "../support/node.ts";
import { type ExampleGroup, type ExamplePlace, startExample } from "./hooks-group.ts";

const SUFFIX = "dc=example,dc=org";
const ADMIN = `cn=admin,${SUFFIX}`;
const PASSWORD = "a  b'ü";

/** Starts no node; `env` adds to the variables of each. */
function startOpenldap(
  env: (place: ExamplePlace) => Readonly<Record<string, string>> = () => ({}),
): Promise<ExampleGroup> {
  return startExample({
    name: "openldap",
    env: (place) => ({
      LDAP_PORT: String(place.port),
      LDAP_BIND: place.address,
      LDAP_DIR: place.data,
      LDAP_ADMIN_PASSWORD: PASSWORD,
      ...env(place),
    }),
  });
}

/** Starts all three nodes, and resolves when the group is whole. */
export async function startWholeOpenldap(): Promise<ExampleGroup> {
  await using undo = new AsyncDisposableStack();
  const group = undo.use(await startOpenldap());
  for (const index of [0, 1, 2]) group.start(index);
  await group.whole();
  undo.move();
  return group;
}

/** Starts the first node alone, and resolves when it has taken the entry 1 as the master. */
export async function startFirstOpenldap(
  env?: Parameters<typeof startOpenldap>[0],
): Promise<ExampleGroup & { readonly first: TestNode }> {
  await using undo = new AsyncDisposableStack();
  const group = undo.use(await startOpenldap(env));
  const first = group.start(0);
  await group.masterAmong([first]);
  await waitFor(() => add(group, 1, 0).catch(() => undefined), { what: "a write", timeoutMs: 30_000 });
  undo.move();
  return { ...group, first };
}

/** Runs a client of LDAP as the administrator, at one node or through the frontend. Rejects when it fails. */
async function ldap(
  group: ExampleGroup,
  command: string,
  args: readonly string[],
  { to, input = "" }: { readonly to?: number; readonly input?: string } = {},
): Promise<string> {
  const { address, port } = to === undefined ? group.frontend : group.place(to);
  const as = ["-x", "-D", ADMIN, "-w", PASSWORD, "-H", `ldap://${address}:${port}`, "-o", "nettimeout=30"];
  return (await execa(command, [...as, ...args], { input, timeout: 40_000 })).stdout;
}

/** Adds an entry, and resolves with true when that was acknowledged. */
export async function add(group: ExampleGroup, number: number, to?: number): Promise<true> {
  const input = `dn: ou=n${number},${SUFFIX}\nobjectClass: organizationalUnit\nou: n${number}\n`;
  await ldap(group, "ldapadd", [], { ...(to !== undefined && { to }), input });
  return true;
}

/** The second node lacks a schema: it can't apply what addPerson adds. */
export function lacksPersons({ address }: ExamplePlace): Readonly<Record<string, string>> {
  return address.endsWith(".2") ? { LDAP_SCHEMAS: "core cosine nis" } : {};
}

export async function addPerson(group: ExampleGroup, number: number, to: number): Promise<true> {
  const input = `dn: ou=n${number},${SUFFIX}\nobjectClass: inetOrgPerson\nou: n${number}\ncn: n\nsn: n\n`;
  await ldap(group, "ldapadd", [], { to, input });
  return true;
}

export async function entries(group: ExampleGroup, to?: number): Promise<readonly number[]> {
  const args = ["-LLL", "-o", "ldif-wrap=no", "-b", SUFFIX, "(ou=n*)", "ou"];
  const found = await ldap(group, "ldapsearch", args, { ...(to !== undefined && { to }) });
  return [...found.matchAll(/^ou: n(\d+)$/gm)].map(([, number]) => Number(number)).toSorted((a, b) => a - b);
}
