// What no request can hold is told by its field, and what fails of connections in words.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { LetheClient, LetheError } from "lethe-client";
import { LetheClient as WebClient } from "lethe-client/browser";
import { specOf } from "../src/specs.js";
import { messages, Places } from "../src/uploads.js";

const client: any = new LetheClient("localhost:1");
const folder = mkdtempSync(path.join(tmpdir(), "lethe-"));
const junk = path.join(folder, "notes.txt");
writeFileSync(junk, "no image");

async function refused(field: string, call: () => unknown): Promise<void> {
  await assert.rejects(async () => call(), (error: unknown) => {
    assert.ok(error instanceof LetheError, String(error));
    assert.deepEqual([error.code, error.field], ["INVALID_ARGUMENT", field], error.message);
    return true;
  });
}

test("values that no field holds", async () => {
  for (const [field, options] of Object.entries({
    "seeds": { seeds: -1 }, "seeds[1]": { seeds: [0, 2 ** 32] }, "z[0][0]": { z: [["a"]] }, "z": { z: 5 }, "w[0]": { w: [5] },
    "model": { model: 7 }, "label": { label: "\ud800" }, "include_w": { includeW: "yes" }, "psi": { psi: "much" },
  })) {
    await refused(field, () => client.generate(options));
  }
  for (const [field, options] of Object.entries({
    "spec.seed": { kind: "class", classes: [7], seed: -1 }, "spec.classes[1]": { classes: ["3", "\ud800"] },
    "spec.batch": { batch: "many" }, "spec.gates.min_acc": { minAcc: "high" },
  })) {
    await refused(field, () => client.unlearn(undefined, options));
  }
  await refused("spec.seed", () => client.unlearn([], { seed: 2n ** 64n }));
  await refused("model", () => client.versions(7));
  await refused("reason", () => client.approve("job", "\ud800"));
  await refused("job_id", () => client.watch(7).next());
  await refused("image", () => client.project(7));
});

test("options that there are not", async () => {
  await refused("seed", () => client.generate({ seed: 1 }));
  await refused("seed", () => client.generateStream({ seed: 1 }).next());
  await refused("seed", () => client.models({ seed: 1 }));
  await refused("sead", () => client.unlearn([], { sead: 1 }));
  await refused("step", () => client.project(new Uint8Array(3), { step: 1 }));
  await refused("time", () => client.watch("job", { time: 1 }).next());
  await refused("reason", () => client.activate("m", "v", { reason: "r" }));
  await refused("id", () => client.certificate({ id: "job" }));
  await refused("timeout", () => new LetheClient("localhost", { timeout: 1 } as any));
  await refused("tls", () => new WebClient("http://localhost", { tls: true } as any));
  await refused("pause", () => new LetheClient("localhost", { retry: { pause: 1 } } as any));
});

test("timeouts and repetitions are numbers", async () => {
  for (const timeoutMs of [0, -1, NaN, "1"] as any[]) {
    await refused("timeout", () => new LetheClient("localhost", { timeoutMs }));
    await refused("timeout", () => client.generate({ timeoutMs }));
    await refused("timeout", () => client.unlearn([], { timeoutMs }));
    await refused("timeout", () => client.watch("job", { timeoutMs }).next());
  }
  await refused("retry", () => new LetheClient("localhost", { retry: { attempts: NaN } }));
});

test("what holds no image is told by its place", async () => {
  const picture = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);
  const broken = path.join(folder, "broken.zip");
  writeFileSync(broken, "PK");
  const sent = async (...images: any[]) => {
    for await (const _ of messages(specOf({}), images, [], undefined)) {
      // Reading is all.
    }
  };
  for (const source of [new Uint8Array(3), junk, broken, 7]) {
    await assert.rejects(() => sent(picture, picture, source), { code: "INVALID_ARGUMENT", field: "unlearn images[2].image" });
  }
  await assert.rejects(() => sent([picture, "\ud800"]), { code: "INVALID_ARGUMENT", field: "unlearn images[0].label" });
  await assert.rejects(() => sent(path.join(folder, "missing")), { code: "ENOENT" });
});

test("files of TLS that hold none", async () => {
  await refused("ca", () => new LetheClient("localhost", { ca: junk }));
  await refused("certificate", () => new LetheClient("localhost", { certificate: junk, key: junk }));
  assert.throws(() => new LetheClient("localhost", { ca: path.join(folder, "missing") }), { code: "ENOENT" });
});

test("connections of the wrong kind are told in words", async () => {
  // A server with TLS ends what is none; one without it answers with a frame of HTTP/2.
  const frame = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  for (const [scheme, answer, words] of [
    ["http", (socket: Socket) => socket.once("data", () => socket.end()), /it may want TLS/],
    ["https", (socket: Socket) => socket.write(frame), /does not speak TLS/],
  ] as const) {
    const listening = createServer((socket) => answer(socket.on("error", () => undefined))).listen(0, "127.0.0.1");
    await new Promise((resolve) => listening.once("listening", resolve));
    const wrong = new LetheClient(`${scheme}://127.0.0.1:${(listening.address() as AddressInfo).port}`,
      { retry: { attempts: 1 } });
    await assert.rejects(() => wrong.models(), (error: any) => {
      assert.equal(error.code, "UNAVAILABLE", error.message);
      assert.match(error.message, words);
      return true;
    });
    wrong.close();
    listening.close();
  }
});

test("pipes are not waited for", async () => {
  const held = mkdtempSync(path.join(tmpdir(), "lethe-"));
  const pipe = path.join(held, "b.png");
  execFileSync("mkfifo", [pipe]);
  for (const source of [pipe, held]) {
    await assert.rejects(async () => {
      for await (const _ of messages(specOf({}), source, [], undefined)) {
        // Reading is all.
      }
    }, /b\.png.* is no regular file|b\.png \(no regular file/);
  }
});

test("an image above the server's limit is named", async () => {
  const held = mkdtempSync(path.join(tmpdir(), "lethe-"));
  const large = path.join(held, "large.png");
  writeFileSync(large, Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(3 << 20)]));
  const small = new Uint8Array(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"));
  const sent = new Places();
  for await (const _ of sent.noted(messages(specOf({}), [small, small, large], [], undefined))) {
    // Noting is all.
  }
  const refused = sent.placed(new LetheError("RESOURCE_EXHAUSTED", "a message of Submit exceeds the limit of 2500000 bytes"));
  assert.equal(refused.field, "unlearn images[2].image");
  assert.equal(refused.message, `${large}: a message of Submit exceeds the limit of 2500000 bytes`);
  assert.equal(sent.placed(new LetheError("RESOURCE_EXHAUSTED", "too many at once")).field, undefined);
});
