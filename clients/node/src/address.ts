import { wrong } from "./errors.js";

const FORM = /^(?:(https?):\/\/)?(\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+)(?::(\d{1,5}))?(\/)?$/i;

/**
 * Where a server is: HOST:PORT; HOST, with port 8080; http://HOST[:PORT], without TLS (port 80); https://HOST[:PORT], with
 * TLS (port 443).
 *
 * @param tls whether TLS is asked for otherwise
 * @returns its URL
 * @throws LetheError INVALID_ARGUMENT if it is none of these, or says no TLS where TLS is asked for
 */
export function urlOf(address: string, tls: boolean): URL {
  const [whole, scheme, host, port, slash] = FORM.exec(address.trim()) ?? [];
  if (whole === undefined || slash !== undefined && scheme === undefined) {
    throw wrong("address", address,
      "HOST, HOST:PORT, http://HOST:PORT or https://HOST:PORT, for example localhost:8080");
  }
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) {
    throw wrong("address", address, "of a port from 1 to 65535");
  }
  if (tls && scheme?.toLowerCase() === "http") {
    throw wrong("address", address, "https://, or TLS must be left out: TLS is asked for as well");
  }
  return new URL(scheme === undefined ? `${tls ? "https" : "http"}://${host}:${port ?? 8080}` : address.trim());
}
