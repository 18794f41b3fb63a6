// Takes images out of a model and tells what came of it: node unlearn.mjs FORGET [KEEP], folders or zip files by class.

import { LetheClient } from "lethe-client";
import { writeFile } from "node:fs/promises";

const [forget, keep] = process.argv.slice(2);
if (forget === undefined) {
  console.error("usage: unlearn.mjs FORGET [KEEP]");
  process.exit(2);
}
const client = new LetheClient();
try {
  let job = await client.unlearn(forget, { learn: keep ?? [] });
  console.log(`job ${job.id}`);
  let stage;
  for await (const now of job.watch()) {
    if (now.progress !== undefined && now.progress.stage !== stage) {
      stage = now.progress.stage;
      console.log(`${stage}: ${Math.round(100 * now.progress.fraction)} % of the job done`);
    }
    job = now;
  }
  if (job.state !== "succeeded") {
    throw new Error(`${job.state}: ${job.message}`);
  }
  console.log(`${job.newVersion} ${job.promoted ? "serves" : `is a candidate: ${job.message}`}`);
  const report = await job.report();
  await writeFile("unlearned.png", report.beforeAfterPng);
  console.log(`AUC_lu ${report.figures.aucLu?.before.toFixed(2)} -> ${report.figures.aucLu?.after.toFixed(2)}`);
} finally {
  client.close();
}
