import { Http2SessionManager, createGrpcTransport } from "@connectrpc/connect-node";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { SecureClientSessionOptions } from "node:http2";
import { createSecureContext } from "node:tls";
import { urlOf } from "./address.js";
import { BaseClient, unanswered, type BaseOptions, type ProjectOptions, type Projection } from "./client.js";
import { LetheError } from "./errors.js";
import type { Inspection } from "./gen/lethe/v1/inspection_pb.js";
import type { Progress, SubmitRequest } from "./gen/lethe/v1/unlearning_pb.js";
import { Job } from "./jobs.js";
import { onlyOf, type Names } from "./options.js";
import { Attempts, type CallOptions } from "./retry.js";
import { specOf, type Spec } from "./specs.js";
import { Places, messages, repeatable, type Picture, type Source } from "./uploads.js";

export { LetheError, type ErrorCode } from "./errors.js";
export { GeneratedImage, Images } from "./images.js";
export { Job, type JobStateName, type Report } from "./jobs.js";
export type {
  Activation, CertificateOf, GenerateOptions, ProjectOptions, Projection, Version,
} from "./client.js";
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

export interface InspectOptions extends Spec, CallOptions {
  /** Of all images, instead of the names of sub-folders. */
  label?: string | number;
  /** Told how far it is. */
  onProgress?: (now: Progress) => void;
}

const OPTIONS: Names<Options> = {
  token: true, timeoutMs: true, retry: true, tls: true, ca: true, certificate: true, key: true,
};

// What Node says of a connection that failed, and what is likely wrong, by whether this client speaks TLS.
const LIKELY: { secure: boolean; says: RegExp; words: string }[] = [
  { secure: false, says: /^http\/2 stream closed with error code CANCEL|ECONNRESET|socket hang up|ERR_HTTP2_ERROR|Protocol error/,
    words: "the server has closed the connection: it may want TLS; say https:// before its address, or give tls: true, or ca"
      + " with its authority" },
  { secure: true, says: /wrong version number|packet length too long|WRONG_VERSION_NUMBER/,
    words: "the server does not speak TLS: leave out https://, tls and ca (and LETHE_TLS_CA)" },
  { secure: true, says: /self[- ]signed certificate|unable to (verify the first|get (local )?issuer) certificate/,
    words: "the server's certificate is not of an authority that is trusted: if it is the server that you mean, name its"
      + " authority by ca" },
  { secure: true, says: /alert (bad certificate|certificate required|certificate unknown|unknown ca)/,
    words: "the server wants a certificate of its clients that it trusts: give certificate and key" },
];

function authorities(file: string): Buffer {
  const pem = readFileSync(file);
  try {
    // Node takes a file without any for one that trusts nobody.
    new X509Certificate(pem);
  } catch (reason) {
    throw new LetheError("INVALID_ARGUMENT", `ca: ${file} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)`,
      undefined, undefined, { cause: reason });
  }
  return pem;
}

function belong(certificate: string, key: string, pair: SecureClientSessionOptions): void {
  try {
    createSecureContext({ cert: pair.cert, key: pair.key });
  } catch (reason) {
    throw new LetheError("INVALID_ARGUMENT",
      `certificate: ${certificate} and ${key} are no certificate and its key, both in PEM: ${String(reason)}`, undefined,
      undefined, { cause: reason });
  }
}

/** A Lethe server, over gRPC. One client serves a whole application; close it when it is not needed any more. */
export class LetheClient extends BaseClient {
  private readonly sessions: Http2SessionManager;
  private readonly secure: boolean;

  /**
   * @param address HOST:PORT; HOST, with port 8080; http://HOST[:PORT], without TLS (port 80); https://HOST[:PORT], with
   *   TLS (port 443). Default: LETHE_SERVER, or localhost:8080
   * @throws LetheError INVALID_ARGUMENT for an address that is none of these, an option that there is not, and a file of TLS
   *   that does not hold what it should
   * @throws Error for a file of TLS that cannot be read
   */
  constructor(address: string = process.env.LETHE_SERVER || "localhost", options: Options = {}) {
    onlyOf(options, OPTIONS);
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
      secure.ca = authorities(all.ca);
    }
    if (all.certificate !== undefined && all.key !== undefined) {
      secure.cert = readFileSync(all.certificate);
      secure.key = readFileSync(all.key);
      belong(all.certificate, all.key, secure);
    }
    const baseUrl = urlOf(address, tls).origin;
    // A watch notices within a minute that its connection is dead.
    const sessions = new Http2SessionManager(baseUrl, { pingIntervalMs: 30_000, pingTimeoutMs: 20_000 }, secure);
    super(createGrpcTransport({ baseUrl, sessionManager: sessions, readMaxBytes: MAX_ANSWER_BYTES }), all);
    this.sessions = sessions;
    this.secure = baseUrl.startsWith("https:");
  }

  /**
   * Uploads images and queues a job that makes the model forget them.
   *
   * @param images a folder or a zip file of folders named by class, files, bytes, [image, label] pairs, or any iterable
   *   of these; none are needed for classes of a conditional model
   */
  async unlearn(images: Source = [], options: UnlearnOptions = {}): Promise<Job> {
    const { learn = [], label, timeoutMs, signal, ...spec } = options;
    return this.upload(images, learn, label, spec, { timeoutMs, signal }, false,
      async (sending, attempt) => new Job(await this.unlearning.submit(sending, attempt), this));
  }

  /**
   * A dry run: what a job of these images and options would find. Changes nothing.
   *
   * @param images as of unlearn
   */
  async inspect(images: Source = [], options: InspectOptions = {}): Promise<Inspection> {
    const { label, timeoutMs, signal, onProgress, ...spec } = options;
    return this.upload(images, [], label, spec, { timeoutMs, signal }, true, async (sending, attempt) => {
      let found: Inspection | undefined;
      for await (const { event } of this.inspection.inspect(sending, attempt)) {
        if (event.case === "inspection") {
          found = event.value;
        } else if (event.value !== undefined) {
          onProgress?.(event.value);
        }
      }
      if (found === undefined) {
        throw unanswered();
      }
      return found;
    });
  }

  /** Looks for the latents at which a model draws what is nearest to an image: a path, or the contents of a file. */
  override async project(image: Picture, options: ProjectOptions = {}): Promise<Projection> {
    return typeof image === "string" ? super.project(await readFile(image), { name: image, ...options })
      : super.project(image, options);
  }

  private async upload<T>(images: Source, learn: Source, label: string | number | undefined, options: Spec,
    limits: { timeoutMs: number | undefined; signal: AbortSignal | undefined }, isRepeatable: boolean,
    make: (sending: AsyncIterable<SubmitRequest>, attempt: CallOptions) => Promise<T>): Promise<T> {
    const spec = specOf(options);
    const [unlearn, keep] = [await repeatable(images), await repeatable(learn)];
    const attempts = new Attempts(this.retry, {
      ...(limits.timeoutMs !== undefined && { timeoutMs: limits.timeoutMs }),
      ...(limits.signal !== undefined && { signal: limits.signal }),
    }, isRepeatable);
    for (;;) {
      const left = new AbortController();
      const attempt = await this.attempt(attempts.next(), left.signal);
      const sent = new Places();
      let unreadable: unknown;
      const sending = async function* () {
        try {
          yield* sent.noted(messages(spec, unlearn, keep, label));
        } catch (reason) {
          // The call only says that there was one.
          unreadable = reason;
          throw reason;
        }
      };
      try {
        return await make(sending(), attempt);
      } catch (reason) {
        if (unreadable !== undefined) {
          throw unreadable;
        }
        await attempts.again(sent.placed(this.failed(reason)));
      } finally {
        left.abort();
      }
    }
  }

  /** Of a connection that failed, with what is likely wrong. */
  protected override failed(reason: unknown): LetheError {
    const failure = super.failed(reason);
    const likely = LIKELY.find(({ secure, says }) => secure === this.secure && says.test(failure.message));
    return failure.code !== "UNAVAILABLE" || failure.requestId !== undefined || likely === undefined ? failure
      : failure.saying(likely.words);
  }

  /** Ends calls in progress and closes the connection. */
  close(): void {
    this.sessions.abort();
  }
}
