import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { BaseClient, type BaseOptions } from "./client.js";
import { onlyOf, type Names } from "./options.js";

export { LetheError, type ErrorCode } from "./errors.js";
export { GeneratedImage, Images } from "./images.js";
export { Job, type JobStateName, type Report } from "./jobs.js";
export type {
  Activation, CertificateOf, GenerateOptions, ProjectOptions, Projection, Version,
} from "./client.js";
export type { CallOptions, Retry } from "./retry.js";

export type Options = BaseOptions;

const OPTIONS: Names<Options> = { token: true, timeoutMs: true, retry: true };

/**
 * A Lethe server, over gRPC-Web: all that LetheClient does in Node but to upload, since browsers send no streams. What
 * `job(id)` gives can be watched and cancelled here.
 */
export class LetheClient extends BaseClient {
  /** @param url of the server, with its scheme; default: where the page comes from */
  constructor(url: string = globalThis.location.origin, options: Options = {}) {
    onlyOf(options, OPTIONS);
    super(createGrpcWebTransport({ baseUrl: url }), options);
  }
}
