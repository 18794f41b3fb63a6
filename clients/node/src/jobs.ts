import { JobState, JobStateSchema, type Job as Message, type Progress, type UnlearnReport } from "./gen/lethe/v1/unlearning_pb.js";
import type { BaseClient } from "./client.js";
import type { GetErasureCertificateResponse } from "./gen/lethe/v1/model_pb.js";
import type { CallOptions } from "./retry.js";
import { wordOf } from "./words.js";

export type JobStateName = "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** A job at one moment, and what can be done with it. Its methods give new ones and leave it as it is. */
export class Job {
  /** @param proto the message as it came, with all that the getters leave out */
  constructor(
    readonly proto: Message,
    private readonly client: BaseClient,
  ) {}

  get id(): string {
    return this.proto.id;
  }

  get state(): JobStateName {
    return wordOf(JobStateSchema, this.proto.state) as JobStateName;
  }

  get ended(): boolean {
    return [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED].includes(this.proto.state);
  }

  /** stage, step of steps, fraction of the whole job from 0 to 1, secondsLeft, values by name. */
  get progress(): Progress | undefined {
    return this.proto.progress;
  }

  /** Why it failed, or why its candidate was not promoted. */
  get message(): string {
    return this.proto.message;
  }

  /** The version that it made; undefined until there is one. */
  get newVersion(): string | undefined {
    return this.proto.newVersion || undefined;
  }

  /** True once the version that it made serves. */
  get promoted(): boolean {
    return this.proto.promoted;
  }

  /** The job as it is now, then after every change, until it has ended. A connection that breaks is made again. */
  watch(options?: CallOptions): AsyncGenerator<Job, void, undefined> {
    return this.client.watch(this.id, options);
  }

  /** The job once it has ended, whatever its state then is. */
  async wait(options?: CallOptions): Promise<Job> {
    let last: Job = this;
    for await (const now of this.watch(options)) {
      last = now;
    }
    return last;
  }

  /** As it is now. */
  refresh(options?: CallOptions): Promise<Job> {
    return this.client.job(this.id, options);
  }

  /** Ends it; FAILED_PRECONDITION if it has ended already. */
  cancel(options?: CallOptions): Promise<Job> {
    return this.client.cancel(this.id, options);
  }

  /** Promotes its candidate, where it awaits approval. */
  approve(reason?: string, options?: CallOptions): Promise<Job> {
    return this.client.approve(this.id, reason, options);
  }

  /** Leaves its candidate one, where it awaits approval. */
  reject(reason?: string, options?: CallOptions): Promise<Job> {
    return this.client.reject(this.id, reason, options);
  }

  /** Queues it once more, if it failed or was cancelled and its images are kept. */
  retry(options?: CallOptions): Promise<Job> {
    return this.client.retryJob(this.id, options);
  }

  /** Deletes what the server knows of it, once it has ended. */
  delete(options?: CallOptions): Promise<void> {
    return this.client.delete(this.id, options);
  }

  /** What proves its erasure; FAILED_PRECONDITION until its candidate is promoted. */
  certificate(options?: CallOptions): Promise<GetErasureCertificateResponse> {
    return this.client.certificate({ jobId: this.id }, options);
  }

  /** What it measured; FAILED_PRECONDITION until it has. */
  report(options?: CallOptions): Promise<Report> {
    return this.client.report(this.id, options);
  }
}

/** What an ended job measured, and its pictures. */
export interface Report {
  /** Figures by the names of report.json, in camel case, each explained in the protocol. */
  figures: UnlearnReport;
  /** PNG file: the unlearned images, what the original draws for them, and what the new version draws. */
  beforeAfterPng: Uint8Array;
}
