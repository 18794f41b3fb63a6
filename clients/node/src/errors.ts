import { Code, ConnectError } from "@connectrpc/connect";

/** gRPC's names of what can go wrong. */
export type ErrorCode =
  | "CANCELLED" | "UNKNOWN" | "INVALID_ARGUMENT" | "DEADLINE_EXCEEDED" | "NOT_FOUND" | "ALREADY_EXISTS"
  | "PERMISSION_DENIED" | "RESOURCE_EXHAUSTED" | "FAILED_PRECONDITION" | "ABORTED" | "OUT_OF_RANGE" | "UNIMPLEMENTED"
  | "INTERNAL" | "UNAVAILABLE" | "DATA_LOSS" | "UNAUTHENTICATED";

const NAMES: Record<Code, ErrorCode> = {
  [Code.Canceled]: "CANCELLED",
  [Code.Unknown]: "UNKNOWN",
  [Code.InvalidArgument]: "INVALID_ARGUMENT",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.NotFound]: "NOT_FOUND",
  [Code.AlreadyExists]: "ALREADY_EXISTS",
  [Code.PermissionDenied]: "PERMISSION_DENIED",
  [Code.ResourceExhausted]: "RESOURCE_EXHAUSTED",
  [Code.FailedPrecondition]: "FAILED_PRECONDITION",
  [Code.Aborted]: "ABORTED",
  [Code.OutOfRange]: "OUT_OF_RANGE",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.Internal]: "INTERNAL",
  [Code.Unavailable]: "UNAVAILABLE",
  [Code.DataLoss]: "DATA_LOSS",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
};

// The server starts a message with the field at fault: "psi: is 3.0; ...", "unlearn images[3].label: ...".
const FIELD = /^((?:unlearn |learn )?[a-z][a-z0-9_]*(?:\[\d+\])*(?:\.[a-z][a-z0-9_]*(?:\[\d+\])*)*): /;

/**
 * Whether it is the connection that failed, which gRPC calls UNAVAILABLE, and Connect by other codes: broken and refused
 * ones, certificates that are not trusted, and what browsers say of all these.
 */
function isLost(error: ConnectError): boolean {
  if (![Code.Canceled, Code.Aborted, Code.Internal, Code.Unknown].includes(error.code)) {
    return false;
  }
  const cause = error.cause;
  return cause instanceof TypeError || cause instanceof Error && typeof (cause as { code?: unknown }).code === "string"
    || error.rawMessage.startsWith("http/2 stream closed");
}

/** What no request can hold, found before a call. */
export function wrong(field: string, value: unknown, allowed: string): LetheError {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new LetheError("INVALID_ARGUMENT",
    `${field}: is ${shown.length <= 80 ? shown : `${shown.slice(0, 80)}...`}; it must be ${allowed}`, undefined, undefined,
    undefined, field);
}

/** A call that the server refused, or that did not reach it. */
export class LetheError extends Error {
  override readonly name = "LetheError";
  /** The request's field at fault, such as spec.classes[0]; undefined where the server names none. */
  readonly field: string | undefined;

  /**
   * @param requestId what the server's log calls the call; undefined if it did not get there
   * @param retryAfterMs milliseconds after which the server takes the call; undefined where it does not say
   * @param field default: the one that the message begins with
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly requestId?: string,
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
    field?: string,
  ) {
    super(message, options);
    this.field = field ?? FIELD.exec(message)?.[1];
  }

  /**
   * The same of another field.
   *
   * @param named what the user calls it, if the message does not
   */
  of(field: string, named?: string): LetheError {
    const words = named === undefined ? this.message : `${named === "" ? field : named}: ${this.message}`;
    return new LetheError(this.code, words, this.requestId, this.retryAfterMs, { cause: this.cause }, field);
  }

  /** The same of an image that lies there in the request: of its label, or of the image itself. */
  within(place: string): LetheError {
    const field = `${place}.${this.field ?? "image"}`;
    const words = this.field === undefined ? this.message : this.message.slice(`${this.field}: `.length);
    return new LetheError(this.code, `${field}: ${words}`, undefined, undefined, { cause: this.cause }, field);
  }

  /** The same with what is likely wrong. */
  saying(words: string): LetheError {
    return new LetheError(this.code, `${words} (${this.message})`, this.requestId, this.retryAfterMs, { cause: this.cause },
      this.field);
  }

  static from(reason: unknown): LetheError {
    if (reason instanceof LetheError) {
      return reason;
    }
    const error = ConnectError.from(reason);
    const code = isLost(error) ? "UNAVAILABLE" : NAMES[error.code] ?? "UNKNOWN";
    const pushback = error.metadata.get("grpc-retry-pushback-ms");
    return new LetheError(code, error.rawMessage || "no description",
      error.metadata.get("x-request-id") ?? undefined,
      pushback !== null && /^\d+$/.test(pushback) ? Number(pushback) : undefined, { cause: reason });
  }
}
