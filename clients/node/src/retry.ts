import { LetheError } from "./errors.js";

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
  /** How long a watch tries to reach the server again. Default 60,000. */
  watchPatienceMs?: number;
}

/** What one call may take. */
export interface CallOptions {
  /** Milliseconds, repetitions included. */
  timeoutMs?: number;
  /** Cancels the call, on the server too. */
  signal?: AbortSignal;
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
    this.end = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs;
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
    this.end = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs;
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
