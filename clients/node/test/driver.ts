// The client as the conformance suite drives it: one JSON object a line in, one a line out.
//
// Usage: driver.js [--web]

import { create, toJson } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { LetheClient, LetheError, type GeneratedImage, type Job } from "lethe-client";
import { LetheClient as WebClient } from "lethe-client/browser";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { GenerateRequestSchema, GenerationService } from "../src/gen/lethe/v1/generation_pb.js";
import { InspectionSchema } from "../src/gen/lethe/v1/inspection_pb.js";
import { JobSchema, UnlearnReportSchema } from "../src/gen/lethe/v1/unlearning_pb.js";

type Values = Record<string, any>;
type AnyClient = LetheClient | WebClient;

const web = process.argv.includes("--web");
const clients = new Map<string, AnyClient>();

function clientOf(connection: Values): AnyClient {
  const key = JSON.stringify(connection);
  let client = clients.get(key);
  if (client === undefined) {
    const { address, timeout, attempts, ...files } = connection;
    const options = {
      ...files, ...(timeout !== undefined && { timeoutMs: timeout * 1000 }), ...(attempts && { retry: { attempts } }),
    };
    client = web ? new WebClient(`http://${address}`, options) : new LetheClient(address, options);
    clients.set(key, client);
  }
  return client;
}

function generateOptions({ timeout, cancel_after, take, noise_mode, include_w, ...rest }: Values): Values {
  return {
    ...rest, ...(noise_mode && { noiseMode: noise_mode }), ...(include_w && { includeW: include_w }), ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
    ...(cancel_after && { signal: AbortSignal.timeout(cancel_after * 1000) }),
  };
}

function imageOf(image: GeneratedImage): Values {
  const format = { "image/png": "png", "image/jpeg": "jpeg" }[image.type] ?? "raw";
  const floats = format === "raw" ? image.floats() : undefined;
  return {
    w: image.w ?? null, index: image.index, seed: image.seed ?? null, label: image.label ?? null, version: image.version, format,
    data: Buffer.from(image.data).toString("base64"), shape: floats?.shape ?? null,
    mean: floats === undefined ? null : floats.values.reduce((sum, one) => sum + one, 0) / floats.values.length,
  };
}

const jobOf = (job: Job) => toJson(JobSchema, job.proto as any);

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const calls: Record<string, (client: AnyClient, args: Values) => Promise<unknown>> = {
  async generate(client, args) {
    const images = await client.generate(generateOptions(args));
    return { model: images.model, version: images.version, images: images.map(imageOf) };
  },
  async generate_stream(client, args) {
    const images: Values[] = [];
    for await (const image of client.generateStream(generateOptions(args))) {
      images.push(imageOf(image));
      if (images.length === args.take) {
        break;
      }
    }
    return { images };
  },
  async models(client) {
    return { models: await client.models() };
  },
  async versions(client, { model }) {
    return { versions: (await client.versions(model)).map(({ unlearnedLabels, parent, retiredReason, ...one }) =>
      ({ ...one, parent: parent ?? null, unlearned_labels: unlearnedLabels })) };
  },
  async active_version(client, { model }) {
    return { version: await client.activeVersion(model) };
  },
  async card(client, { model, version }) {
    return { card: await client.card(model, version) };
  },
  async activate(client, { model, version }) {
    const { previous, ...swap } = await client.activate(model, version);
    return { ...swap, previous: previous ?? null };
  },
  async unlearn(client, { images, spec = {}, ...rest }) {
    const options = Object.fromEntries(Object.entries(spec).map(([name, value]) => [camel(name), value]));
    return { job: jobOf(await (client as LetheClient).unlearn(images, { ...options, ...rest })) };
  },
  async job(client, { job }) {
    return { job: jobOf(await client.job(job)) };
  },
  async jobs(client) {
    return { jobs: (await client.jobs()).map(jobOf) };
  },
  async cancel(client, { job }) {
    return { job: jobOf(await client.cancel(job)) };
  },
  async approve(client, { job, reason }) {
    return { job: jobOf(await client.approve(job, reason)) };
  },
  async reject(client, { job, reason }) {
    return { job: jobOf(await client.reject(job, reason)) };
  },
  async retry(client, { job }) {
    return { job: jobOf(await client.retryJob(job)) };
  },
  async delete(client, { job }) {
    await client.delete(job);
    return {};
  },
  async retire(client, { model, version, reason }) {
    return { version: (await client.retire(model, version, reason)).state };
  },
  async purge(client, { model, version }) {
    return { files: await client.purge(model, version) };
  },
  async certificate(client, { job }) {
    return { version: (await client.certificate({ jobId: job })).version };
  },
  async inspect(client, { images, spec = {}, ...rest }) {
    let progressed = false;
    const options = Object.fromEntries(Object.entries(spec).map(([name, value]) => [camel(name), value]));
    const found = await (client as LetheClient).inspect(images,
      { ...options, ...rest, onProgress: () => { progressed = true; } });
    return { inspection: toJson(InspectionSchema, found as any), progressed };
  },
  async project(client, { image, ...options }) {
    let progressed = false;
    const onProgress = () => { progressed = true; };
    // A browser has no paths.
    const { version, error, w, imagePng } = client instanceof LetheClient
      ? await client.project(image, { ...options, onProgress })
      : await client.project(new Blob([new Uint8Array(await readFile(image))]), { ...options, onProgress });
    return { version, error, w, picture: Buffer.from(imagePng).toString("base64"), progressed };
  },
  async report(client, { job }) {
    const report = await client.report(job);
    return {
      figures: toJson(UnlearnReportSchema, report.figures as any),
      picture: Buffer.from(report.beforeAfterPng).toString("base64"),
    };
  },
  async watch(client, { job }) {
    const moments = [];
    for await (const moment of client.watch(job)) {
      moments.push(jobOf(moment));
    }
    return { moments };
  },
};

/** Medians of the client's call and the bare stub's, in random order, each on a connection of its own. */
async function overhead(client: AnyClient, address: string, count: number): Promise<Values> {
  const baseUrl = `http://${address}`;
  const bare = createClient(GenerationService, web ? createGrpcWebTransport({ baseUrl }) : createGrpcTransport({ baseUrl }));
  const request = create(GenerateRequestSchema, { latents: { case: "seeds", value: { values: [1] } }, label: "7" });
  const measured: [string, () => Promise<unknown>, number[]][] = [
    ["client", () => client.generate({ seeds: [1], label: "7" }), []],
    ["bare", () => bare.generate(request), []],
  ];
  for (let i = 0; i < count; i++) {
    for (const [, call, times] of Math.random() < 0.5 ? measured : measured.toReversed()) {
      const begin = performance.now();
      await call();
      times.push(performance.now() - begin);
    }
  }
  return Object.fromEntries(measured.map(([name, , times]) => {
    const sorted = times.slice(10).sort((a, b) => a - b);
    return [name, sorted[sorted.length >> 1]];
  }));
}

async function run({ call, connection, with: args }: Values): Promise<Values> {
  try {
    const client = clientOf(connection);
    return { ok: call === "overhead" ? await overhead(client, connection.address, args.calls)
      : await calls[call]!(client, args) };
  } catch (error) {
    if (error instanceof LetheError) {
      return { error: {
        code: error.code, message: error.message, field: error.field ?? null, request_id: error.requestId ?? null,
        retry_after: error.retryAfterMs === undefined ? null : error.retryAfterMs / 1000,
      } };
    }
    return { error: { code: "LOCAL", message: String(error) } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}
for (const client of clients.values()) {
  if (client instanceof LetheClient) {
    client.close();
  }
}
