import { create, equals } from "@bufbuild/protobuf";
import { createClient, type Client, type Transport } from "@connectrpc/connect";
import { LetheError } from "./errors.js";
import { ImageFormatSchema } from "./gen/lethe/v1/common_pb.js";
import {
  GenerateRequestSchema, GenerationService, SeedsSchema, VectorsSchema, type GenerateRequest, type Vectors,
} from "./gen/lethe/v1/generation_pb.js";
import { ModelService, VersionStateSchema } from "./gen/lethe/v1/model_pb.js";
import { JobSchema, UnlearningService } from "./gen/lethe/v1/unlearning_pb.js";
import { FLOAT, INT32, UINT32, checked } from "./numbers.js";
import { GeneratedImage, Images } from "./images.js";
import { Job, type Report } from "./jobs.js";
import { Attempts, Patience, type CallOptions, type Retry } from "./retry.js";
import { numberOf, wordOf } from "./words.js";

/** What to draw; an empty one is one image of a seed that the server draws. */
export interface GenerateOptions extends CallOptions {
  /** Left out: the server's only model. */
  model?: string;
  /** Left out: the active version. */
  version?: string;
  /** One of these three at most. Seeds give the latents of numpy.random.RandomState(seed).randn(1, z_dim). */
  seeds?: number | Iterable<number>;
  /** z_dim values for each image. */
  z?: Iterable<ArrayLike<number>>;
  /** w_dim values for each image, or num_ws * w_dim; label and psi do not apply. */
  w?: Iterable<ArrayLike<number>>;
  /** The class, by name or index; left out: the classes in turn. */
  label?: string | number;
  /** Truncation, 0 to 2; default 1. */
  psi?: number;
  /** Images from one seed on; default: one for each latent. */
  count?: number;
  /** png (default), jpeg, or raw: the network's floats. */
  format?: "png" | "jpeg" | "raw";
}

export interface Version {
  model: string;
  version: string;
  state: "available" | "loading" | "active" | "draining";
  /** Undefined for a version that was trained from scratch. */
  parent: string | undefined;
  unlearnedLabels: string[];
}

export interface Activation {
  model: string;
  version: string;
  /** Undefined if the model was unloaded. */
  previous: string | undefined;
}

/** What clients in Node and in browsers have in common. */
export interface BaseOptions {
  /** Bearer token, or a function that gives one for each call. */
  token?: string | (() => string | Promise<string>);
  /** Milliseconds for each call with one answer or a stream of images, unless the call says otherwise. Default: none. */
  timeoutMs?: number;
  retry?: Retry;
}

export interface AttemptOptions extends CallOptions {
  headers: Headers;
}

/** A Lethe server, over any transport of Connect. Methods throw LetheError. */
export class BaseClient {
  protected readonly retry: Required<Retry>;
  protected readonly unlearning: Client<typeof UnlearningService>;
  private readonly generation: Client<typeof GenerationService>;
  private readonly service: Client<typeof ModelService>;

  constructor(
    transport: Transport,
    private readonly base: BaseOptions,
  ) {
    this.generation = createClient(GenerationService, transport);
    this.service = createClient(ModelService, transport);
    this.unlearning = createClient(UnlearningService, transport);
    this.retry = { attempts: 5, firstPauseMs: 100, longestPauseMs: 5000, watchPatienceMs: 60_000, ...base.retry };
  }

  /** Draws images, all in one answer. */
  async generate(options: GenerateOptions = {}): Promise<Images> {
    const request = message(options);
    const answer = await this.call(options, true, (attempt) => this.generation.generate(request, attempt));
    const images = new Images();
    images.model = answer.model;
    images.version = answer.version;
    for (const image of answer.images) {
      images.push(new GeneratedImage(image));
    }
    return images;
  }

  /** Draws images one by one, in order, no faster than they are taken; leaving the loop cancels the rest. */
  async *generateStream(options: GenerateOptions = {}): AsyncGenerator<GeneratedImage, void, undefined> {
    const request = message(options);
    const attempts = new Attempts(this.retry, this.limited(options), true);
    for (let begun = false; ;) {
      // A loop that is left ends the call.
      const left = new AbortController();
      const attempt = await this.attempt(attempts.next(), left.signal);
      let failure: LetheError;
      try {
        for await (const image of this.generation.generateStream(request, attempt)) {
          begun = true;
          yield new GeneratedImage(image);
        }
        return;
      } catch (reason) {
        failure = LetheError.from(reason);
      } finally {
        left.abort();
      }
      if (begun) {
        // What came would come twice.
        throw failure;
      }
      await attempts.again(failure);
    }
  }

  /** The names of the models that the server knows. */
  async models(options: CallOptions = {}): Promise<string[]> {
    return (await this.call(options, true, (attempt) => this.service.listModels({}, attempt))).models;
  }

  async versions(model: string, options: CallOptions = {}): Promise<Version[]> {
    const answer = await this.call(options, true, (attempt) => this.service.listVersions({ model }, attempt));
    return answer.versions.map((one) => ({
      model: one.model,
      version: one.version,
      state: wordOf(VersionStateSchema, one.state) as Version["state"],
      parent: one.parentVersion || undefined,
      unlearnedLabels: one.unlearnedLabels,
    }));
  }

  /** The version that takes new requests. */
  async activeVersion(model: string, options: CallOptions = {}): Promise<string> {
    return (await this.call(options, true, (attempt) => this.service.getActiveVersion({ model }, attempt))).version;
  }

  /** The model card, model.json; of the active version, unless another is named. */
  async card(model: string, version = "", options: CallOptions = {}): Promise<Record<string, unknown>> {
    const answer = await this.call(options, true, (attempt) => this.service.getCard({ model, version }, attempt));
    return JSON.parse(answer.cardJson) as Record<string, unknown>;
  }

  /** Hot-swaps a model to a version on the server's disk: promotes a candidate, or rolls back. */
  async activate(model: string, version: string, options: CallOptions = {}): Promise<Activation> {
    const answer = await this.call(options, false, (attempt) => this.service.activate({ model, version }, attempt));
    return { model: answer.model, version: answer.version, previous: answer.previousVersion || undefined };
  }

  async job(jobId: string, options: CallOptions = {}): Promise<Job> {
    return new Job(await this.call(options, true, (attempt) => this.unlearning.getJob({ jobId }, attempt)), this);
  }

  /** All jobs that the server knows, newest first. */
  async jobs(options: CallOptions = {}): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let pageToken = ""; ;) {
      const answer = await this.call(options, true, (attempt) => this.unlearning.listJobs({ pageToken }, attempt));
      jobs.push(...answer.jobs.map((job) => new Job(job, this)));
      pageToken = answer.nextPageToken;
      if (pageToken === "") {
        return jobs;
      }
    }
  }

  /** Ends a queued or running job. */
  async cancel(jobId: string, options: CallOptions = {}): Promise<Job> {
    return new Job(await this.call(options, false, (attempt) => this.unlearning.cancelJob({ jobId }, attempt)), this);
  }

  /** What an ended job measured, and its pictures. */
  async report(jobId: string, options: CallOptions = {}): Promise<Report> {
    const answer = await this.call(options, true, (attempt) => this.unlearning.getReport({ jobId }, attempt));
    if (answer.report === undefined) {
      throw new LetheError("INTERNAL", "the answer holds no report");
    }
    return { figures: answer.report, beforeAfterPng: answer.beforeAfterPng };
  }

  /** Job.watch by the job's id. Its timeout is its own alone. */
  async *watch(jobId: string, options: CallOptions = {}): AsyncGenerator<Job, void, undefined> {
    const patience = new Patience(this.retry, options);
    let last: Job | undefined;
    for (;;) {
      const left = new AbortController();
      const attempt = await this.attempt(patience.next(), left.signal);
      let failure = new LetheError("UNAVAILABLE", "the server stopped reporting before the job ended");
      try {
        for await (const event of this.unlearning.watch({ jobId }, attempt)) {
          patience.renew();
          // A new connection tells first what the last one told.
          if (event.job !== undefined && !(last && equals(JobSchema, last.proto, event.job))) {
            last = new Job(event.job, this);
            yield last;
          }
        }
        if (last?.ended) {
          return;
        }
      } catch (reason) {
        failure = LetheError.from(reason);
      } finally {
        left.abort();
      }
      await patience.again(failure);
    }
  }

  private async call<T>(options: CallOptions, repeatable: boolean, make: (attempt: AttemptOptions) => Promise<T>
  ): Promise<T> {
    const attempts = new Attempts(this.retry, this.limited(options), repeatable);
    for (;;) {
      const attempt = await this.attempt(attempts.next());
      try {
        return await make(attempt);
      } catch (reason) {
        await attempts.again(LetheError.from(reason));
      }
    }
  }

  private limited(options: CallOptions): CallOptions {
    return options.timeoutMs === undefined && this.base.timeoutMs !== undefined
      ? { ...options, timeoutMs: this.base.timeoutMs } : options;
  }

  /** What one attempt is called with. */
  protected async attempt(options: CallOptions, left?: AbortSignal): Promise<AttemptOptions> {
    const headers = new Headers();
    const { token } = this.base;
    if (token !== undefined && token !== "") {
      const bearer = typeof token === "string" ? token : await token();
      if (!/^[\x21-\x7e]+$/.test(bearer)) {
        // Not the token itself: messages end up in logs.
        throw new LetheError("INVALID_ARGUMENT", "token: holds blanks, or characters beyond ASCII");
      }
      headers.set("authorization", `Bearer ${bearer}`);
    }
    const signals = [options.signal, left].filter((signal) => signal !== undefined);
    return signals.length === 0 ? { ...options, headers } : { ...options, headers, signal: AbortSignal.any(signals) };
  }
}

function message(options: GenerateOptions): GenerateRequest {
  const { seeds, z, w } = options;
  if ([seeds, z, w].filter((source) => source !== undefined).length > 1) {
    throw new LetheError("INVALID_ARGUMENT", "seeds: give one of seeds, z and w");
  }
  const request = create(GenerateRequestSchema, {
    model: options.model ?? "",
    version: options.version ?? "",
    label: String(options.label ?? ""),
    format: numberOf(ImageFormatSchema, "format", options.format ?? "png"),
  });
  if (options.psi !== undefined) {
    request.psi = checked("psi", options.psi, FLOAT);
  }
  if (options.count !== undefined) {
    request.count = checked("count", options.count, INT32);
  }
  if (seeds !== undefined) {
    const values = typeof seeds === "object" ? Array.from(seeds, (seed, at) => checked(`seeds[${at}]`, seed, UINT32))
      : [checked("seeds", seeds, UINT32)];
    request.latents = { case: "seeds", value: create(SeedsSchema, { values }) };
  } else if (z !== undefined) {
    request.latents = { case: "z", value: vectors("z", z) };
  } else if (w !== undefined) {
    request.latents = { case: "w", value: vectors("w", w) };
  }
  return request;
}

function vectors(name: string, rows: Iterable<ArrayLike<number>>): Vectors {
  return create(VectorsSchema, {
    values: Array.from(rows, (row, n) => ({ values: Array.from(row, (one, at) => checked(`${name}[${n}][${at}]`, one, FLOAT)) })),
  });
}
