import { ScalarType, create, equals } from "@bufbuild/protobuf";
import { createClient, type Client, type Transport } from "@connectrpc/connect";
import { LetheError, wrong } from "./errors.js";
import { ImageFormatSchema } from "./gen/lethe/v1/common_pb.js";
import {
  GenerateRequestSchema, GenerationService, NoiseModeSchema, SeedsSchema, VectorsSchema, type GenerateRequest, type Vectors,
} from "./gen/lethe/v1/generation_pb.js";
import { InspectionService, ProjectRequestSchema, ProjectionSpaceSchema } from "./gen/lethe/v1/inspection_pb.js";
import {
  ModelService, VersionStateSchema, type GetErasureCertificateResponse, type ModelVersion,
} from "./gen/lethe/v1/model_pb.js";
import { ImageFitSchema, JobSchema, UnlearningService, type Progress } from "./gen/lethe/v1/unlearning_pb.js";
import { FLOAT, INT32, UINT32, checked, checkedAs, labelOf, text } from "./numbers.js";
import { GeneratedImage, Images } from "./images.js";
import { Job, type Report } from "./jobs.js";
import { onlyOf, type Names } from "./options.js";
import { Attempts, Patience, callOf, limit, retryOf, type CallOptions, type Retry } from "./retry.js";
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
  /** const (default), the model's own, so that a latent's image is always the same; none; or random, drawn afresh. */
  noiseMode?: "const" | "none" | "random";
  /** Each image has its w. */
  includeW?: boolean;
}

/** How to look for an image's latents. */
export interface ProjectOptions extends CallOptions {
  /** Left out: the server's only model. */
  model?: string;
  /** Left out: the active version. */
  version?: string;
  /** The image's class, of a conditional model. */
  label?: string | number;
  /** w (default), one w for all layers; w-plus, one for each, with which a generator draws nearly anything. */
  space?: "w" | "w-plus";
  /** Of the search; default 200. */
  steps?: number;
  /** Of what the search starts from; default 0. */
  seed?: number;
  /** How an image of another size is made to fit; default exact: it is refused. */
  fit?: "exact" | "pad" | "crop" | "resize";
  /** 0xRRGGBB behind transparent pixels and around a padded image. */
  background?: number;
  /** What errors call the image; default: of a path the path. */
  name?: string;
  /** Told how far the search is. */
  onProgress?: (now: Progress) => void;
}

/** The latents at which a model draws what is nearest to an image. */
export interface Projection {
  model: string;
  version: string;
  /** w_dim values, of space w-plus num_ws * w_dim; generate({ w: [w] }) draws it again. */
  w: number[];
  /** Mean squared error, pixels being from -1 to 1. */
  error: number;
  /** What the model draws there. */
  imagePng: Uint8Array;
  /** The image and what the model draws. */
  sideBySidePng: Uint8Array;
  /** The array w of [1, num_ws, w_dim], as the reference's projector writes it. */
  latentsNpz: Uint8Array;
  /** What was done to the image so that the model takes it; empty if nothing was. */
  preparation: string;
}

/** Of which erasure: the job that made it, or the version that came from it; default: the only model's active one. */
export type CertificateOf = { jobId: string } | { model?: string; version?: string };

export interface Version {
  model: string;
  version: string;
  state: "available" | "loading" | "active" | "draining" | "candidate" | "retired" | "purged";
  /** Undefined for a version that was trained from scratch. */
  parent: string | undefined;
  unlearnedLabels: string[];
  /** Undefined unless it is retired or purged. */
  retiredReason: string | undefined;
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
  /** Milliseconds, above 0, for each call with one answer or a stream of images, unless the call says otherwise. Default: no
   * limit. */
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
  protected readonly inspection: Client<typeof InspectionService>;

  constructor(
    transport: Transport,
    private readonly base: BaseOptions,
  ) {
    this.generation = createClient(GenerationService, transport);
    this.service = createClient(ModelService, transport);
    this.unlearning = createClient(UnlearningService, transport);
    this.inspection = createClient(InspectionService, transport);
    limit(base.timeoutMs);
    this.retry = retryOf(base.retry);
  }

  /** Draws images, all in one answer. */
  async generate(options: GenerateOptions = {}): Promise<Images> {
    const request = message(options);
    const answer = await this.call(callOf(options), true, (attempt) => this.generation.generate(request, attempt));
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
    const attempts = new Attempts(this.retry, this.limited(callOf(options)), true);
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
        failure = this.failed(reason);
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
    const answer = await this.call(options, true, (attempt) => this.service.listVersions({ model: text("model", model) }, attempt));
    return answer.versions.map(versionOf);
  }

  /** The version that takes new requests. */
  async activeVersion(model: string, options: CallOptions = {}): Promise<string> {
    return (await this.call(options, true, (attempt) => this.service.getActiveVersion({ model: text("model", model) }, attempt))).version;
  }

  /** The model card, model.json; of the active version, unless another is named. */
  async card(model: string, version = "", options: CallOptions = {}): Promise<Record<string, unknown>> {
    const answer = await this.call(options, true, (attempt) => this.service.getCard(named(model, version), attempt));
    return JSON.parse(answer.cardJson) as Record<string, unknown>;
  }

  /**
   * Hot-swaps a model to a version on the server's disk: promotes a candidate, or rolls back.
   *
   * @param options overrideReason: why a retired version is to serve all the same, which is recorded
   */
  async activate(model: string, version: string, options: CallOptions & { overrideReason?: string } = {}
  ): Promise<Activation> {
    const { overrideReason = "", ...rest } = options;
    const answer = await this.call(rest, false,
      (attempt) => this.service.activate({ ...named(model, version), overrideReason: text("override_reason", overrideReason) }, attempt));
    return { model: answer.model, version: answer.version, previous: answer.previousVersion || undefined };
  }

  /** Refuses a version to all clients from now on; the reason, which must not be empty, is recorded. */
  async retire(model: string, version: string, reason: string, options: CallOptions = {}): Promise<Version> {
    const answer = await this.call(options, false, (attempt) => this.service.retire({ ...named(model, version), reason: text("reason", reason) }, attempt));
    if (answer.version === undefined) {
      throw unanswered();
    }
    return versionOf(answer.version);
  }

  /** Deletes the files of a retired version; gives their names. */
  async purge(model: string, version: string, options: CallOptions = {}): Promise<string[]> {
    return (await this.call(options, false, (attempt) => this.service.purge(named(model, version), attempt))).deletedFiles;
  }

  /** What proves an erasure; FAILED_PRECONDITION if it was not promoted. */
  async certificate(of: CertificateOf = {}, options: CallOptions = {}): Promise<GetErasureCertificateResponse> {
    onlyOf(of, CERTIFICATE);
    const request = "jobId" in of ? ofJob(of.jobId) : named(of.model ?? "", of.version ?? "");
    return this.call(options, true, (attempt) => this.service.getErasureCertificate(request, attempt));
  }

  /** Looks for the latents at which a model draws what is nearest to an image, a PNG, JPEG or WebP file. */
  async project(image: Uint8Array | Blob, options: ProjectOptions = {}): Promise<Projection> {
    const { label, space, steps, seed, fit, background, onProgress, model = "", version = "", name = "", ...call } = options;
    const data = image instanceof Blob ? new Uint8Array(await image.arrayBuffer()) : image;
    if (!(data instanceof Uint8Array)) {
      throw wrong("image", image, "the bytes of a file, a Blob, or in Node a path");
    }
    const request = create(ProjectRequestSchema, {
      ...named(model, version),
      image: { image: { data: data as Uint8Array<ArrayBuffer> }, label: labelOf(label), name: text("name", name) },
      space: numberOf(ProjectionSpaceSchema, "space", space ?? "w"), fit: numberOf(ImageFitSchema, "fit", fit ?? "exact"),
      seed: checked("seed", seed ?? 0, UINT32),
      ...(steps !== undefined && { steps: checked("steps", steps, INT32) }),
      ...(background !== undefined && { background: checked("background", background, UINT32) }),
    });
    const attempts = new Attempts(this.retry, call, true);
    for (;;) {
      const left = new AbortController();
      const attempt = await this.attempt(attempts.next(), left.signal);
      try {
        for await (const { event } of this.inspection.project(request, attempt)) {
          if (event.case === "projection") {
            const { w, error, imagePng, sideBySidePng, latentsNpz, preparation } = event.value;
            return { model: event.value.model, version: event.value.version, w: w?.values ?? [], error, imagePng,
              sideBySidePng, latentsNpz, preparation };
          }
          if (event.value !== undefined) {
            onProgress?.(event.value);
          }
        }
      } catch (reason) {
        await attempts.again(this.failed(reason));
        continue;
      } finally {
        left.abort();
      }
      throw unanswered();
    }
  }

  async job(jobId: string, options: CallOptions = {}): Promise<Job> {
    return new Job(await this.call(options, true, (attempt) => this.unlearning.getJob(ofJob(jobId), attempt)), this);
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
    return new Job(await this.call(options, false, (attempt) => this.unlearning.cancelJob(ofJob(jobId), attempt)), this);
  }

  /** Promotes the candidate of a job that awaits approval; the reason is recorded. */
  async approve(jobId: string, reason = "", options: CallOptions = {}): Promise<Job> {
    return new Job(
      await this.call(options, false, (attempt) => this.unlearning.approveJob({ ...ofJob(jobId), reason: text("reason", reason) }, attempt)), this);
  }

  /** Leaves the candidate of a job that awaits approval a candidate; the reason is recorded. */
  async reject(jobId: string, reason = "", options: CallOptions = {}): Promise<Job> {
    return new Job(
      await this.call(options, false, (attempt) => this.unlearning.rejectJob({ ...ofJob(jobId), reason: text("reason", reason) }, attempt)), this);
  }

  /** Queues a job that failed or was cancelled once more, if its images are kept. */
  async retryJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return new Job(await this.call(options, false, (attempt) => this.unlearning.retryJob(ofJob(jobId), attempt)), this);
  }

  /** Deletes what the server knows of a job that has ended, and its files. */
  async delete(jobId: string, options: CallOptions = {}): Promise<void> {
    await this.call(options, false, (attempt) => this.unlearning.deleteJob(ofJob(jobId), attempt));
  }

  /** What an ended job measured, and its pictures. */
  async report(jobId: string, options: CallOptions = {}): Promise<Report> {
    const answer = await this.call(options, true, (attempt) => this.unlearning.getReport(ofJob(jobId), attempt));
    if (answer.report === undefined) {
      throw unanswered();
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
        for await (const event of this.unlearning.watch(ofJob(jobId), attempt)) {
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
        failure = this.failed(reason);
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
        await attempts.again(this.failed(reason));
      }
    }
  }

  /** What a call failed of. */
  protected failed(reason: unknown): LetheError {
    return LetheError.from(reason);
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

function versionOf(one: ModelVersion): Version {
  return {
    model: one.model,
    version: one.version,
    state: wordOf(VersionStateSchema, one.state) as Version["state"],
    parent: one.parentVersion || undefined,
    unlearnedLabels: one.unlearnedLabels,
    retiredReason: one.retiredReason || undefined,
  };
}

/** A call that came to its end without what it was made for. */
export function unanswered(): LetheError {
  return new LetheError("INTERNAL", "the server ended the call without an answer");
}

function named(model: string, version: string): { model: string; version: string } {
  return { model: text("model", model), version: text("version", version) };
}

function ofJob(jobId: string): { jobId: string } {
  return { jobId: text("job_id", jobId) };
}

const GENERATE: Names<GenerateOptions> = {
  model: true, version: true, seeds: true, z: true, w: true, label: true, psi: true, count: true, format: true,
  noiseMode: true, includeW: true, timeoutMs: true, signal: true,
};
const CERTIFICATE: Names<{ jobId: string; model: string; version: string }> = { jobId: true, model: true, version: true };

function message(options: GenerateOptions): GenerateRequest {
  onlyOf(options, GENERATE);
  const { seeds, z, w } = options;
  if ([seeds, z, w].filter((source) => source !== undefined).length > 1) {
    throw new LetheError("INVALID_ARGUMENT", "seeds: give one of seeds, z and w");
  }
  const request = create(GenerateRequestSchema, {
    ...named(options.model ?? "", options.version ?? ""),
    label: labelOf(options.label),
    format: numberOf(ImageFormatSchema, "format", options.format ?? "png"),
    noiseMode: numberOf(NoiseModeSchema, "noise_mode", options.noiseMode ?? "const"),
    includeW: checkedAs("include_w", options.includeW ?? false, ScalarType.BOOL),
  });
  if (options.psi !== undefined) {
    request.psi = checked("psi", options.psi, FLOAT);
  }
  if (options.count !== undefined) {
    request.count = checked("count", options.count, INT32);
  }
  if (seeds !== undefined) {
    const values = typeof seeds === "object" ? listed("seeds", seeds).map((seed, at) => checked(`seeds[${at}]`, seed, UINT32))
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
    values: listed(name, rows).map((row, n) => ({
      values: listed(`${name}[${n}]`, row).map((one, at) => checked(`${name}[${n}][${at}]`, one, FLOAT)),
    })),
  });
}

function listed<T>(field: string, values: Iterable<T> | ArrayLike<T>): T[] {
  if (typeof values !== "object" || values === null || !(Symbol.iterator in values || "length" in values)) {
    throw wrong(field, values, "an array");
  }
  return Array.from(values);
}
