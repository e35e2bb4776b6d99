/** Runs the scenarios of clients/conformance with this client; see its README.md. */

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Door } from "./door.js";
import { Run, type Scenario } from "./scenario.js";

const scenarioKeys = ["name", "node", "connections", "slow", "steps"];
const atATime = 4;

async function run(door: Door, scenario: Scenario): Promise<boolean> {
  let result: { ok: boolean; why?: string } = { ok: true };
  try {
    const unknown = Object.keys(scenario).filter((key) => !scenarioKeys.includes(key));
    if (unknown.length > 0) {
      throw new Error(`a scenario that is not understood: ${unknown}`);
    }
    await runOn(door, scenario);
  } catch (error) {
    result = { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
  console.log(JSON.stringify({ scenario: scenario.name, ...result }));
  return result.ok;
}

async function runOn(door: Door, scenario: Scenario): Promise<void> {
  const node = await door.node(scenario.node);
  const scenarioRun = new Run(node, scenario);
  try {
    await scenarioRun.steps(scenario.steps);
  } finally {
    scenarioRun.close();
    await node.end();
  }
}

/** Runs them in turn, until there are no more. */
async function worker(door: Door, scenarios: Scenario[]): Promise<boolean> {
  let allWell = true;
  for (let scenario = scenarios.shift(); scenario; scenario = scenarios.shift()) {
    allWell = (await run(door, scenario)) && allWell;
  }
  return allWell;
}

const { values } = parseArgs({
  options: {
    door: { type: "string" },
    scenarios: { type: "string" },
    only: { type: "string", default: "" },
  },
});
if (!values.door || !values.scenarios) {
  console.error("usage: main.js --door URL --scenarios FILE [--only TEXT]");
  process.exit(2);
}
const door = new Door(values.door);
const { scenarios }: { scenarios: Scenario[] } = JSON.parse(
  await readFile(values.scenarios, "utf8"),
);
const chosen = scenarios.filter(({ name }) => name.includes(values.only));
const quick = chosen.filter(({ slow }) => !slow);
const ends = await Promise.all([
  ...chosen.filter(({ slow }) => slow).map((scenario) => run(door, scenario)),
  ...Array.from({ length: atATime }, () => worker(door, quick)),
]);
process.exit(ends.every(Boolean) ? 0 : 1);
