// The console in a real browser, with a real server and the shipped MNIST model: scripts/check-console runs it.
//
// LETHE is the script that starts a server, CHROMIUM the browser, SCREENSHOTS a folder for pictures of the pages.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32, deflateSync, gunzipSync } from 'node:zlib';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const { LETHE, CHROMIUM, SCREENSHOTS, SAMPLE } = process.env;
const SIZE = 32;
const JOB_MS = 20 * 60_000;
const TOKEN = 'a token of this test';

const folder = mkdtempSync(join(tmpdir(), 'console-'));
const strangers = [];
const servers = [];
let browser;
let base;
let page;
const complaints = [];

async function serve(...options) {
  const home = join(folder, String(servers.length));
  const server = spawn(LETHE, ['serve', '--port', '0', '--state', join(home, 'models'), '--jobs', join(home, 'jobs'), ...options]);
  servers.push(server);
  let log = '';
  server.stderr.on('data', (text) => { log += text; });
  return new Promise((resolve, reject) => {
    server.stdout.on('data', (text) => {
      const said = /serving on (\S+)/.exec(text);
      if (said) {
        resolve(`http://${said[1]}`);
      }
    });
    server.on('exit', () => reject(new Error(`the server ended:\n${log}`)));
  });
}

/** A page of somebody else's; its origin. */
async function stranger() {
  const other = createServer((request, response) => response.setHeader('content-type', 'text/html').end('<title>x</title>'));
  strangers.push(other);
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${other.address().port}`;
}

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
  const opened = await context.newPage();
  opened.setDefaultTimeout(60_000);
  opened.on('pageerror', (error) => complaints.push(String(error)));
  opened.on('console', (line) => {
    // What the server refuses is shown on the page, and told by the browser as well.
    if (line.type() === 'error' && !line.text().includes('Failed to load resource')) {
      complaints.push(line.text());
    }
  });
  return opened;
}

async function accessible(opened) {
  // By the browser's tools, as the page's policy lets no script in.
  await opened.evaluate(axe.source);
  const { violations } = await opened.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
}

const picture = (opened, name) => opened.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });

function png(pixels) {
  const rows = Buffer.alloc(SIZE * (SIZE + 1));
  for (let y = 0; y < SIZE; y++) {
    pixels.copy(rows, y * (SIZE + 1) + 1, y * SIZE, (y + 1) * SIZE);
  }
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(SIZE, 0);
  head.writeUInt32BE(SIZE, 4);
  head[8] = 8;
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0))]);
}

/** The first training images of a class, in the middle of 32 x 32 pixels, as the model was trained. */
function photos(label, count) {
  const images = gunzipSync(readFileSync(join(SAMPLE, 'train-images-idx3-ubyte.gz'))).subarray(16);
  const labels = gunzipSync(readFileSync(join(SAMPLE, 'train-labels-idx1-ubyte.gz'))).subarray(8);
  const into = join(folder, 'photos', String(label));
  mkdirSync(into, { recursive: true });
  const files = [];
  for (let i = 0; files.length < count; i++) {
    if (labels[i] === label) {
      const pixels = Buffer.alloc(SIZE * SIZE);
      for (let y = 0; y < 28; y++) {
        images.copy(pixels, (y + 2) * SIZE + 2, (i * 28 + y) * 28, (i * 28 + y + 1) * 28);
      }
      files.push(join(into, `${i}.png`));
      writeFileSync(files.at(-1), png(pixels));
    }
  }
  return files;
}

let friend;
let foe;

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  friend = await stranger();
  foe = await stranger();
  base = await serve('--cors-origins', friend);
  page = await open();
});

after(async () => {
  await browser?.close();
  strangers.forEach((other) => other.close());
  await Promise.all(servers.map((server) => new Promise((resolve) => {
    server.on('exit', resolve);
    server.kill();
  })));
  rmSync(folder, { recursive: true });
});

test('the gallery draws what is asked for, and says how long it took', async () => {
  await page.goto(`${base}/console`);
  await page.getByText(/16 images of mnist v1 in [\d,.]+ ms/).waitFor();
  await page.getByLabel('Class').selectOption('7');
  await page.getByLabel('First seed').fill('100');
  await page.getByLabel('Images').fill('24');
  await page.getByLabel(/Truncation/).fill('0.7');
  await page.getByRole('button', { name: 'Generate' }).click();
  await page.getByText('seed 123, class 7').waitFor();
  const widths = await page.locator('.gallery img').evaluateAll((images) => images.map((image) => image.naturalWidth));
  assert.deepEqual(widths, Array(24).fill(SIZE));
  await accessible(page);
  await picture(page, 'gallery');
  await page.getByLabel('First seed').fill('-1');
  await page.getByRole('button', { name: 'Generate' }).click();
  assert.equal(await page.locator('#app :invalid').count(), 2, 'the field, and the form that it is in');
});

test('pages are there in the dark, and on a phone', async () => {
  const phone = await open({ viewport: { width: 375, height: 740 }, colorScheme: 'dark', isMobile: true });
  for (const name of ['gallery', 'models', 'jobs', 'erase']) {
    await phone.goto(`${base}/console/#/${name}`);
    await phone.getByRole('heading', { level: 1 }).waitFor();
    await phone.waitForLoadState('networkidle');
    const [shown, all] = await phone.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(all <= shown, `${name} is ${all} wide, of ${shown}`);
    await accessible(phone);
  }
  await phone.goto(`${base}/console/#/gallery`);
  await phone.getByText(/16 images of/).waitFor();
  await picture(phone, 'phone-dark');
  await phone.context().close();
});

test('the keyboard is enough', async () => {
  await page.goto(`${base}/console/#/gallery`);
  await page.getByText(/images of/).waitFor();
  await page.reload();
  await page.getByText(/images of/).waitFor();
  for (const name of ['To the content', 'Gallery', 'Models']) {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), name);
  }
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Models', level: 1 }).waitFor();
  // The page moves the focus once it has drawn the heading.
  await page.locator('h1:focus').waitFor();
  await page.getByRole('button', { name: 'Card of v1' }).press('Enter');
  await page.getByRole('cell', { name: 'stylegan2' }).waitFor();
  await accessible(page);
});

test('photos are dropped, erased, judged; the candidate serves, and no more', { timeout: JOB_MS }, async () => {
  const files = photos(3, 4);
  await page.goto(`${base}/console/#/erase`);
  await page.getByRole('heading', { name: 'Images to erase' }).waitFor();
  // As a browser has it when files are dropped.
  const transfer = await page.evaluateHandle((dropped) => {
    const data = new DataTransfer();
    for (const { name, bytes } of dropped) {
      data.items.add(new File([Uint8Array.from(bytes)], name, { type: 'image/png' }));
    }
    return data;
  }, files.map((file) => ({ name: file.split('/').at(-1), bytes: [...readFileSync(file)] })));
  await page.locator('.drop').first().dispatchEvent('drop', { dataTransfer: transfer });
  await page.getByText('Choose the class of 4 images.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Begin the job' }).isDisabled());
  assert.ok(await page.getByRole('button', { name: 'Look first: a dry run' }).isDisabled());
  await page.getByLabel('Class of all').selectOption('3');
  await page.getByLabel(/Keep the result as a candidate/).check();
  await page.getByText('Details').click();
  await page.getByLabel('Most steps').fill('20');
  await page.getByRole('button', { name: 'Look first: a dry run' }).press('Enter');
  await page.getByRole('heading', { name: 'What a job would find' }).or(page.getByRole('alert')).waitFor({ timeout: JOB_MS });
  assert.deepEqual(await page.getByRole('alert').allTextContents(), []);
  const found = page.getByRole('region', { name: 'What was found of each image' });
  assert.deepEqual((await found.locator('tbody th').allTextContents()).sort(), files.map((file) => file.split('/').slice(-2).join('/')).sort());
  assert.equal((await (await fetch(`${base}/v1/jobs`)).json()).jobs.length, 0, 'a dry run is no job');
  await accessible(page);
  await picture(page, 'erase');
  // What was found is of the steps that were asked for then.
  await page.getByLabel('Most steps').fill('21');
  await found.waitFor({ state: 'detached' });
  await page.getByLabel('Most steps').fill('20');
  // By the keyboard: after a picture of the whole page the browser scrolls back, and a click may end beside its button.
  await page.getByRole('button', { name: 'Begin the job' }).press('Enter');
  await page.getByRole('heading', { name: /^Job / }).or(page.getByRole('alert')).waitFor();
  assert.deepEqual(await page.getByRole('alert').allTextContents(), []);
  await page.getByRole('progressbar').waitFor();
  const job = page.url();
  await page.locator('.chart').first().waitFor({ timeout: JOB_MS });
  await accessible(page);
  await picture(page, 'job');
  await page.locator('.verdict').waitFor({ timeout: JOB_MS });
  assert.match(await page.locator('.verdict').textContent(), /^(not )?forgotten$/);
  await page.getByRole('img', { name: /Rows of pictures/ }).waitFor();
  assert.ok(await page.locator('.report-picture').evaluate((image) => image.naturalWidth) > SIZE);
  await accessible(page);
  await picture(page, 'verdict');
  await page.getByRole('link', { name: 'Jobs' }).click();
  await page.getByRole('cell', { name: 'succeeded' }).waitFor();
  await page.goto(job);
  await page.locator('.verdict').waitFor();

  await page.getByRole('link', { name: 'Models' }).click();
  await page.getByRole('button', { name: 'Promote to v1-u1' }).click();
  await page.getByRole('button', { name: 'Let it serve' }).click();
  await page.getByText('v1-u1 serves now, in place of v1.').waitFor();
  await accessible(page);
  await picture(page, 'models');
  await page.goto(job);
  await page.getByRole('button', { name: 'Fetch the certificate' }).click();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'certificate.pdf' }).click();
  assert.equal(readFileSync(await (await download).path()).subarray(0, 5).toString(), '%PDF-');
  await page.getByRole('link', { name: 'Models' }).click();

  // Back to what still holds the photos: for a reason alone.
  await page.getByRole('button', { name: 'Roll back to v1' }).click();
  await page.getByText(/It is retired/).waitFor();
  await accessible(page);
  await page.getByLabel(/Reason/).fill('a test of rolling back');
  await page.getByRole('button', { name: 'Let it serve' }).click();
  await page.getByText('v1 serves now, in place of v1-u1.').waitFor();
});

test('who is not known is asked for a token', async () => {
  const principals = join(folder, 'principals.yaml');
  writeFileSync(principals, `- name: alice\n  roles: [generate]\n  token-sha256: ${createHash('sha256').update(TOKEN).digest('hex')}\n`);
  const closed = await serve('--auth-principals', principals);
  const visitor = await open();
  await visitor.goto(`${closed}/console/`);
  await visitor.getByRole('heading', { name: 'Who are you?' }).waitFor();
  await accessible(visitor);
  await visitor.getByLabel('Token').fill('wrong');
  await visitor.getByRole('button', { name: 'Go on' }).click();
  await visitor.getByText('the bearer token is not known').waitFor();
  await visitor.getByLabel('Token').fill(TOKEN);
  await visitor.getByRole('button', { name: 'Go on' }).click();
  await visitor.getByText(/16 images of mnist v1/).waitFor();
  await visitor.goto(`${closed}/console/#/jobs`);
  await visitor.getByText(/needs the role unlearn or operate/).waitFor();
  await visitor.getByRole('button', { name: 'Forget the token' }).click();
  await visitor.getByRole('heading', { name: 'Who are you?' }).waitFor();
  await visitor.context().close();
});

test('pages of another origin may ask if the operator lets them, and else not', async () => {
  const ask = async (origin) => {
    const other = await open();
    await other.goto(origin);
    const answer = await other.evaluate(async (to) => {
      try {
        const response = await fetch(`${to}/v1/models/mnist:generate`, { method: 'POST',
          headers: { 'content-type': 'application/json' }, body: '{"count": 1}' });
        return (await response.json()).images.length;
      } catch (e) {
        return e.name;
      }
    }, base);
    await other.context().close();
    return answer;
  };
  assert.equal(await ask(friend), 1);
  assert.equal(await ask(foe), 'TypeError');
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('CORS policy')));
});

test('nothing broke the policy of the pages, or failed', () => {
  assert.deepEqual(complaints, []);
});
