/**
 * Criteria beside one another on the ResNet reference model: accuracy on the test split at a half and a quarter of the MACs, before and after one epoch of
 * fine-tuning, with random scores and training from scratch as controls. What has been measured is kept in a file, so that a run goes on where it was
 * stopped; --fresh measures what is asked for anew.
 *
 *     npm run bench -- criteria [--only=l1,scratch] [--seeds=1,2] [--ratios=2,4] [--workers=2] [--store=FILE] [--fresh] [--write]
 *
 * --only takes criteria, "reference", "scratch", "selection" (scopes and normalisations), "scopes", "refitted" and "agreement". --write puts the tables into docs/CRITERIA.md.
 */
import { writeTables } from "./criteria/document.ts";
import { openExperiment } from "./criteria/experiment.ts";
import { measureAll } from "./criteria/measure.ts";
import { plan } from "./criteria/plan.ts";
import { settingsFrom } from "./criteria/settings.ts";
import { openStore } from "./criteria/store.ts";
import { tables } from "./criteria/tables.ts";

const settings = settingsFrom(process.argv);
const experiment = await openExperiment();
const store = openStore(settings.store, experiment.fingerprint);
const cases = plan(
  settings,
  experiment.channels.map(({ name }) => name),
);
await measureAll(experiment, store, cases, settings);
const text = tables(experiment, store);
for (const table of text.values()) process.stdout.write(`${table}\n`);
if (settings.write) writeTables(text);
