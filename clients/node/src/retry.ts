import { LetheError, wrong } from "./errors.js";
import { onlyOf, type Names } from "./options.js";

/**
 * When a call is made again that failed for a moment's reason. A call that the server refuses with a time to wait is made
 * again after that time. One that did not reach the server is made again after a pause that doubles, if it asks or
 * generates; orders (unlearn, cancel, activate) are not, since the server may have carried them out.
 */
export interface Retry {
  /** Most times that one call is made; 1: never again. Default 5. */
  attempts?: number;
  /** Milliseconds before the second attempt without a word from the server; then twice as many. Default 100. */
  firstPauseMs?: number;
  /** The longest of those. Default 5000. */
  longestPauseMs?: number;
  /** How long a watch tries to reach a server again that it lost. Default 300,000, five minutes. */
  watchPatienceMs?: number;
}

/** What one call may take. */
export interface CallOptions {
  /** Milliseconds, above 0, repetitions included. */
  timeoutMs?: number;
  /** Cancels the call, on the server too. */
  signal?: AbortSignal;
}

const CALL: Names<CallOptions> = { timeoutMs: true, signal: true };
const RETRY: Names<Retry> = { attempts: true, firstPauseMs: true, longestPauseMs: true, watchPatienceMs: true };

/** @throws LetheError INVALID_ARGUMENT for what is no such time */
export function limit(timeoutMs: number | undefined): number {
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0)) {
    throw wrong("timeout", timeoutMs, "a number of milliseconds above 0; left out there is no limit");
  }
  return timeoutMs ?? Infinity;
}

/** @throws LetheError INVALID_ARGUMENT for numbers that are none of these */
export function retryOf(given: Retry = {}): Required<Retry> {
  onlyOf(given, RETRY);
  const all = { attempts: 5, firstPauseMs: 100, longestPauseMs: 5000, watchPatienceMs: 300_000 };
  for (const name of Object.keys(all) as (keyof Retry)[]) {
    const value = given[name] ?? all[name];
    if (!(typeof value === "number" && value >= (name === "attempts" ? 1 : 0))) {
      throw wrong("retry", `${name} ${value}`, "of numbers, attempts from 1, milliseconds from 0 on");
    }
    all[name] = value;
  }
  return all;
}

function endOf(options: CallOptions): number {
  onlyOf(options, CALL);
  return performance.now() + limit(options.timeoutMs);
}

/** Those of a call among its options. */
export function callOf({ timeoutMs, signal }: CallOptions): CallOptions {
  return { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) };
}

function pause(retry: Required<Retry>, attempt: number): number {
  // Drawn, so that clients that failed together do not come back together.
  return Math.min(retry.longestPauseMs, retry.firstPauseMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new LetheError("CANCELLED", "the call was cancelled", undefined, undefined, { cause: signal?.reason }));
    };
    if (signal?.aborted) {
      reject(new LetheError("CANCELLED", "the call was cancelled", undefined, undefined, { cause: signal.reason }));
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** One call's attempts, within its time. */
export class Attempts {
  private made = 0;
  private readonly end: number;

  constructor(
    private readonly retry: Required<Retry>,
    private readonly options: CallOptions,
    private readonly repeatable: boolean,
  ) {
    this.end = endOf(options);
  }

  /** Counts an attempt, and says what it may take. */
  next(): CallOptions {
    this.made++;
    return left(this.options, this.end);
  }

  /** Waits until the call may be made again; throws what failed if it may not. */
  async again(failure: LetheError): Promise<void> {
    const refused = failure.code === "RESOURCE_EXHAUSTED" && failure.retryAfterMs !== undefined;
    const lost = failure.code === "UNAVAILABLE" && this.repeatable;
    const wait = failure.retryAfterMs ?? pause(this.retry, this.made);
    if (this.made >= this.retry.attempts || !(refused || lost) || performance.now() + wait >= this.end) {
      throw failure;
    }
    await sleep(wait, this.options.signal);
  }
}

/** A watch's tries to reach the server again; every event that comes renews it. */
export class Patience {
  private tries = 0;
  private lost = 0;
  private readonly end: number;

  constructor(
    private readonly retry: Required<Retry>,
    private readonly options: CallOptions,
  ) {
    this.end = endOf(options);
  }

  renew(): void {
    this.tries = 0;
    this.lost = 0;
  }

  next(): CallOptions {
    return left(this.options, this.end);
  }

  async again(failure: LetheError): Promise<void> {
    if (failure.code !== "UNAVAILABLE" && !(failure.code === "RESOURCE_EXHAUSTED" && failure.retryAfterMs !== undefined)) {
      throw failure;
    }
    const now = performance.now();
    this.lost ||= now;
    const wait = failure.retryAfterMs ?? pause(this.retry, ++this.tries);
    if (now + wait > this.lost + this.retry.watchPatienceMs) {
      throw failure;
    }
    if (now + wait >= this.end) {
      throw new LetheError("DEADLINE_EXCEEDED", "the time to watch has passed", undefined, undefined, { cause: failure });
    }
    await sleep(wait, this.options.signal);
  }
}

function left(options: CallOptions, end: number): CallOptions {
  const next: CallOptions = {};
  if (options.signal) {
    next.signal = options.signal;
  }
  if (end !== Infinity) {
    next.timeoutMs = Math.max(1, end - performance.now());
  }
  return next;
}
