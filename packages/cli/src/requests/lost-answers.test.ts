import { createManualClock } from "@msdha/clock";
import { createSimulatedEtcd, type SimulatedClient } from "@msdha/etcd-simulated";
import { groupKeys, parseAsk } from "@msdha/group";
import { expect, test } from "vitest";
import { exitCodes } from "../exit-codes.ts";
import { takeBack } from "./take-back.ts";
import { type RequestPlace, removeRequest, writeRequest } from "./write-request.ts";

const keys = groupKeys("db");
const messages = { what: "the pause", isAccepted: false, withdrawn: "withdrawn", underWay: "under way" };

function connect(): { readonly client: SimulatedClient; readonly place: RequestPlace; has(): boolean } {
  const etcd = createSimulatedEtcd({ clock: createManualClock(), seed: 1 });
  const client = etcd.connect();
  const place: RequestPlace = { client, keys, signal: new AbortController().signal };
  return { client, place, has: () => etcd.store.get(keys.ask("pause")) !== undefined };
}

const write = (place: RequestPlace, leaseSeconds?: number): ReturnType<typeof writeRequest> =>
  writeRequest(
    place,
    { kind: "pause" },
    { why: "" },
    { compare: [], ...(leaseSeconds !== undefined && { leaseSeconds }) },
  );

test("a request whose answer is lost is neither refused nor made, as far as is known", async () => {
  const { client, place, has } = connect();
  client.onAnswer = ({ call }) => (call === "txn" ? "reset" : 0);
  await expect(write(place)).rejects.toMatchObject({
    exitCode: exitCodes.unknown,
    message: expect.stringMatching(/whether the pause was asked for is not known; .*stays until/),
  });
  expect(has()).toBe(true);
});

test("a request for what is gone is written over, and any other is left", async () => {
  const { place, has } = connect();
  const first = await write(place);
  expect(await write(place)).toBeUndefined();
  const stale = parseAsk("pause", undefined, {
    ...{ key: keys.ask("pause"), value: "{}", lease: "0", createRevision: 1 },
    modRevision: first?.revision ?? 0,
  });
  const options = { compare: [], stale };
  expect(await writeRequest(place, { kind: "pause" }, { why: "" }, options)).toBeDefined();
  expect(await writeRequest(place, { kind: "pause" }, { why: "" }, options)).toBeUndefined();
  expect(has()).toBe(true);
});

test("nothing is asked for when no lease can be had for it", async () => {
  const { client, place, has } = connect();
  client.onAnswer = ({ call }) => (call === "leaseGrant" ? "reset" : 0);
  await expect(write(place, 60)).rejects.toMatchObject({ code: "ERR_ETCD_UNAVAILABLE" });
  expect(has()).toBe(false);
});

test("nothing is asked for by a command that should end", async () => {
  const { place, has } = connect();
  const signal = AbortSignal.abort(new Error("ended by SIGINT"));
  await expect(write({ ...place, signal })).rejects.toThrow("ended by SIGINT");
  expect(has()).toBe(false);
});

test("a withdrawal whose answer is lost leaves open what happens, and says until when", async () => {
  const { client, place } = connect();
  const request = await write(place, 60);
  client.onAnswer = () => "reset";
  if (!request) throw new Error("expected a request");
  expect(await takeBack(request, messages)).toMatchObject({
    exitCode: exitCodes.unknown,
    message: expect.stringMatching(/etcd does not answer: the pause was asked for.*by itself within 60 s/),
  });
});

test("a withdrawal is refused nothing, and one that comes too late is told", async () => {
  const { place, has } = connect();
  const request = await write(place);
  if (!request) throw new Error("expected a request");
  expect(await takeBack(request, messages)).toMatchObject({
    exitCode: exitCodes.refused,
    message: "withdrawn",
  });
  expect(has()).toBe(false);
  expect(await takeBack(request, messages)).toMatchObject({
    exitCode: exitCodes.unknown,
    message: "under way",
  });
});

test("an end of a pause whose answer is lost is not known", async () => {
  const { client, place, has } = connect();
  const request = await write(place);
  client.onAnswer = () => "reset";
  const revision = request?.revision ?? 0;
  await expect(removeRequest(place, { kind: "pause", node: undefined, revision })).rejects.toMatchObject({
    exitCode: exitCodes.unknown,
    message: expect.stringMatching(/whether the pause has ended is not known/),
  });
  expect(has()).toBe(false);
});
