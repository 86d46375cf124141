import * as clocks from "./clocks.ts";
import * as cluster from "./cluster.ts";
import * as election from "./election.ts";
import * as frontend from "./frontend.ts";
import * as guard from "./guard.ts";
import * as lock from "./lock.ts";
import type { Mutation } from "./mutation.ts";
import * as operator from "./operator.ts";
import * as proof from "./proof.ts";
import * as stop from "./stop.ts";
import * as wait from "./wait.ts";
import * as watch from "./watch.ts";

/** Every mutation, by name. The simulation has to find something wrong with each of them. */
export const mutations: Readonly<Record<string, Mutation>> = {
  ...proof,
  ...guard,
  ...wait,
  ...lock,
  ...watch,
  ...stop,
  ...frontend,
  ...election,
  ...operator,
  ...clocks,
  ...cluster,
};
