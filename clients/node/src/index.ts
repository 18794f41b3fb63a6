import { Http2SessionManager, createGrpcTransport } from "@connectrpc/connect-node";
import { readFileSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";
import { urlOf } from "./address.js";
import { BaseClient, type BaseOptions } from "./client.js";
import { LetheError } from "./errors.js";
import { Job } from "./jobs.js";
import { Attempts, type CallOptions } from "./retry.js";
import { specOf, type Spec } from "./specs.js";
import { messages, repeatable, type Source } from "./uploads.js";

export { LetheError, type ErrorCode } from "./errors.js";
export { GeneratedImage, Images } from "./images.js";
export { Job, type JobStateName, type Report } from "./jobs.js";
export type { Activation, GenerateOptions, Version } from "./client.js";
export type { CallOptions, Retry } from "./retry.js";
export type { Spec } from "./specs.js";
export type { Picture, Source } from "./uploads.js";

// An answer may hold many images of 1024 x 1024 pixels; what the server takes is the server's to say.
const MAX_ANSWER_BYTES = 256 << 20;

/** What is left out comes from the environment, by the names that ./lethe reads, if it is there. */
export interface Options extends BaseOptions {
  /** Trust the authorities that Node trusts. */
  tls?: boolean;
  /** PEM file of the only authorities to trust (LETHE_TLS_CA). */
  ca?: string;
  /** PEM file to show the server, for mutual TLS (LETHE_CERT). */
  certificate?: string;
  /** PEM file of its private key (LETHE_KEY). */
  key?: string;
}

export interface UnlearnOptions extends Spec, CallOptions {
  /** Images of what the model must keep, in the same forms. */
  learn?: Source;
  /** Of all images to unlearn, instead of the names of sub-folders. */
  label?: string | number;
}

/** A Lethe server, over gRPC. One client serves a whole application; close it when it is not needed any more. */
export class LetheClient extends BaseClient {
  private readonly sessions: Http2SessionManager;

  /**
   * @param address HOST:PORT; HOST, with port 8080; http://HOST[:PORT], without TLS (port 80); https://HOST[:PORT], with
   *   TLS (port 443). Default: LETHE_SERVER, or localhost:8080
   * @throws LetheError INVALID_ARGUMENT for an address that is none of these
   * @throws Error for a file of TLS that cannot be read
   */
  constructor(address: string = process.env.LETHE_SERVER || "localhost", options: Options = {}) {
    const { LETHE_TLS_CA: ca, LETHE_CERT: certificate, LETHE_KEY: key, LETHE_TOKEN: token } = process.env;
    const all = {
      ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }), ...(token && { token: token.trim() }),
      ...options,
    };
    if ((all.certificate === undefined) !== (all.key === undefined)) {
      throw new LetheError("INVALID_ARGUMENT", "certificate: goes together with a key, and one of them is missing");
    }
    const tls = all.tls || all.ca !== undefined || all.certificate !== undefined;
    const secure: SecureClientSessionOptions = {};
    if (all.ca !== undefined) {
      secure.ca = readFileSync(all.ca);
    }
    if (all.certificate !== undefined && all.key !== undefined) {
      secure.cert = readFileSync(all.certificate);
      secure.key = readFileSync(all.key);
    }
    const baseUrl = urlOf(address, tls).origin;
    // A watch notices within a minute that its connection is dead.
    const sessions = new Http2SessionManager(baseUrl, { pingIntervalMs: 30_000, pingTimeoutMs: 20_000 }, secure);
    super(createGrpcTransport({ baseUrl, sessionManager: sessions, readMaxBytes: MAX_ANSWER_BYTES }), all);
    this.sessions = sessions;
  }

  /**
   * Uploads images and queues a job that makes the model forget them.
   *
   * @param images a folder or a zip file of folders named by class, files, bytes, [image, label] pairs, or any iterable
   *   of these; none are needed for classes of a conditional model
   */
  async unlearn(images: Source = [], options: UnlearnOptions = {}): Promise<Job> {
    const { learn = [], label, timeoutMs, signal, ...spec } = options;
    const message = specOf(spec);
    const [unlearn, keep] = [await repeatable(images), await repeatable(learn)];
    const attempts = new Attempts(this.retry,
      { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }, false);
    for (;;) {
      const attempt = await this.attempt(attempts.next());
      let unreadable: unknown;
      const sending = async function* () {
        try {
          yield* messages(message, unlearn, keep, label);
        } catch (reason) {
          // The call only says that there was one.
          unreadable = reason;
          throw reason;
        }
      };
      try {
        return new Job(await this.unlearning.submit(sending(), attempt), this);
      } catch (reason) {
        if (unreadable !== undefined) {
          throw unreadable;
        }
        await attempts.again(LetheError.from(reason));
      }
    }
  }

  /** Ends calls in progress and closes the connection. */
  close(): void {
    this.sessions.abort();
  }
}
