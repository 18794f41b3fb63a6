import { html, useEffect, useRef, useState } from './lib/preact.js';
import { api } from './api.js';
import { Curve } from './charts.js';
import { Confirm, Failure, Title, duration, isOver, jobPhase, jobState, number, useLoaded, when } from './parts.js';

export function Jobs() {
  const jobs = useLoaded(api.jobs, []);
  useEffect(() => {
    const again = setInterval(jobs.reload, 5000);
    return () => clearInterval(again);
  }, []);
  const rows = jobs.value ?? [];
  return html`<${Title}>Jobs<//><${Failure} error=${jobs.error} />
    ${jobs.value && rows.length === 0 && html`<p>There are no jobs yet. <a href="#/erase">Erase images</a> to begin one.</p>`}
    ${rows.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="Jobs"><table>
      <thead><tr><th scope="col">Job</th><th scope="col">Model</th><th scope="col">State</th><th scope="col">Progress</th>
        <th scope="col">Verdict</th><th scope="col">Submitted</th></tr></thead>
      <tbody>${rows.map((job) => html`<tr key=${job.id}>
        <th scope="row"><a href="#/jobs/${encodeURIComponent(job.id)}">${job.id}</a></th>
        <td>${job.spec?.model} ${job.newVersion}</td><td>${jobState(job)}</td>
        <td>${jobState(job) === 'running' ? `${number((job.progress?.fraction ?? 0) * 100, 2)} %` : ''}</td>
        <td>${job.report?.verdict}</td><td>${when(job.submitted)}</td></tr>`)}</tbody></table></div>`}`;
}

export function Job({ id }) {
  const [job, setJob] = useState(null);
  const [error, setError] = useState(null);
  const [asked, setAsked] = useState(null);
  const [round, setRound] = useState(0);
  const curves = useRef(new Map());

  useEffect(() => {
    const leave = new AbortController();
    async function follow() {
      for (;;) {
        try {
          for await (const { job: now } of api.watch(id, leave.signal)) {
            record(curves.current, now);
            setError(null);
            setJob(now);
          }
          return;
        } catch (e) {
          if (e.name === 'AbortError') {
            return;
          }
          setError(e);
          if (e.code >= 400 && e.code < 500 && e.code !== 429) {
            return;
          }
          // The connection has broken: the watch goes on from the state of then.
          await new Promise((resolve) => setTimeout(resolve, 1000));
        }
      }
    }
    follow();
    return () => leave.abort();
  }, [id, round]);

  async function decide(decision, reason) {
    setAsked(null);
    setError(null);
    try {
      await api[decision](id, reason);
    } catch (e) {
      setError(e);
    }
    // A job that was over is watched again.
    setRound((n) => n + 1);
  }

  const progress = job?.progress;
  const awaits = job && jobPhase(job.phase) === 'awaiting approval';
  // The last thing that happened to it: it is promoted once that can be done, and can be rejected until then.
  const approved = awaits && job.changes?.at(-1)?.cause?.startsWith('approved');
  return html`<${Title}>Job ${id}<//><${Failure} error=${error} />
    ${job && html`<section class="panel">
      <p role="status"><strong>${approved ? 'approved' : awaits ? 'awaits approval' : jobState(job)}</strong>${progress && !isOver(job) && html`: ${progress.stage}
        ${progress.steps > 0 && html`, step ${progress.step} of ${progress.steps}`}
        ${progress.secondsLeft !== undefined && html`, about ${duration(progress.secondsLeft)} left`}`}</p>
      ${!isOver(job) && html`<progress max="1" value=${progress?.fraction ?? 0} aria-label="Progress of the job" />`}
      ${job.message && html`<p>${job.message}</p>`}
      <p class="quiet">${job.unlearnImages} images to erase, ${job.learnImages} to keep; model ${job.spec?.model},
        from ${job.baseVersion || 'the active version'}${job.newVersion && ` to ${job.newVersion}`};
        submitted ${when(job.submitted)} by ${job.submittedBy}</p>
      <div class="row">
        ${awaits && !approved && html`<button type="button" onClick=${() => setAsked('approve')}>Approve</button>`}
        ${awaits && html`<button type="button" class="plain" onClick=${() => setAsked('reject')}>Reject</button>`}
        ${['failed', 'cancelled'].includes(jobState(job)) && html`<button type="button" class="plain"
          onClick=${() => decide('retry')}>Try again</button>`}
        ${!isOver(job) && html`<button type="button" class="plain" onClick=${() => setAsked('cancel')}>Cancel the job</button>`}
      </div>
      ${job.changes?.length > 0 && html`<details><summary>What happened to it</summary><ol>${job.changes.map((change) =>
        html`<li>${when(change.time)}: ${jobPhase(change.phase)}, by ${change.actor}${change.cause && `: ${change.cause}`}</li>`)}
      </ol></details>`}
    </section>
    <${Curves} curves=${curves.current} />
    ${isOver(job) && job.report && html`<${Report} job=${job} />`}`}
    ${asked && html`<${Confirm} ...${QUESTIONS[asked]} onYes=${(reason) => decide(asked, reason)}
      onNo=${() => setAsked(null)} />`}`;
}

const QUESTIONS = {
  cancel: { question: 'End this job? What it has done so far is lost.', yes: 'End it' },
  approve: { question: 'Let the candidate serve? Versions that still hold what it erased are retired.', yes: 'Approve', reason: false },
  reject: { question: 'Leave the candidate a candidate for good?', yes: 'Reject', reason: false },
};

/** Remembers the values of each stage, by its steps. */
function record(curves, job) {
  const progress = job.progress;
  for (const [name, value] of Object.entries(progress?.values ?? {})) {
    const key = `${progress.stage}: ${name}`;
    const points = curves.get(key) ?? [];
    if (points.at(-1)?.[0] !== progress.step) {
      points.push([progress.step, Number(value)]);
    }
    curves.set(key, points);
  }
}

function Curves({ curves }) {
  const shown = [...curves].filter(([, points]) => points.length > 1);
  return shown.length > 0 && html`<section aria-label="Losses and measures"><h2>Losses and measures</h2>
    <div class="charts">${shown.map(([name, points], i) =>
      html`<${Curve} key=${name} name=${name} points=${points} colour=${i} />`)}</div></section>`;
}

function Report({ job }) {
  const report = useLoaded(() => api.report(job.id), [job.id]);
  const of = job.report;
  const pairs = [
    ['Drawn nearer to the substitute, at the job’s latents', of.redaction?.own],
    ['… at latents that the audit found in the original', of.redaction?.fresh],
    ['… at latents that the audit found in the candidate', of.redaction?.candidate],
    ['Membership, AUC (0.5 tells nothing)', of.membership?.w],
    ['Fréchet distance from real images that stay', of.fidRoot],
    ['Class accuracy', of.acc],
    ['Erased classes recognised', of.erasedRecognised],
  ].filter(([, pair]) => pair);
  const forgotten = of.verdict === 'forgotten';
  return html`<section class="panel" aria-label="Report">
    <h2>Verdict</h2>
    <p class="verdict ${forgotten ? 'good' : 'bad'}">${of.verdict || 'none'}</p>
    <p>${job.promoted ? `${job.newVersion} serves now.` : html`${job.newVersion} is a candidate, and does not serve.
      ${' '}<a href="#/models">Versions</a>`}</p>
    ${jobState(job) === 'succeeded' && html`<${Certificate} job=${job} />`}
    ${of.reasons?.length > 0 && html`<h3>Why not</h3><ul>${of.reasons.map((text) => html`<li>${text}</li>`)}</ul>`}
    <div class="scroll" tabindex="0" role="region" aria-label="Measured"><table><caption>Measured in the same run</caption>
      <thead><tr><th scope="col">Measure</th><th scope="col" class="number">before</th><th scope="col" class="number">after</th></tr></thead>
      <tbody>${pairs.map(([name, pair]) => html`<tr key=${name}><th scope="row">${name}</th>
        <td class="number">${number(pair.before)}</td><td class="number">${number(pair.after)}</td></tr>`)}</tbody></table></div>
    <${Failure} error=${report.error} />
    ${report.value?.beforeAfterPng && html`<h3>Pictures</h3>
      <p class="quiet">A column for each image. Rows: the image; what the original draws of it; what the candidate draws
        there; the nearest that an attack finds in the candidate; the substitute.</p>
      <div class="scroll" tabindex="0" role="region" aria-label="Pictures"><img class="report-picture"
        src="data:image/png;base64,${report.value.beforeAfterPng}" alt="Rows of pictures before and after, as said above" /></div>`}
    ${of.findings?.length > 0 && html`<details><summary>What the audit found</summary>
      <ul>${of.findings.map((text) => html`<li>${text}</li>`)}</ul></details>`}
    ${of.notes?.length > 0 && html`<details><summary>Notes</summary><ul>${of.notes.map((text) => html`<li>${text}</li>`)}</ul></details>`}
  </section>`;
}

/** What proves the erasure, to be kept. */
function Certificate({ job }) {
  const [files, setFiles] = useState(null);
  const [error, setError] = useState(null);

  async function fetchFiles() {
    try {
      const proof = await api.certificate(job.id);
      const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      setFiles([
        ['certificate.pdf', bytes(proof.pagePdf), 'application/pdf'],
        ['erasure.sigstore.json', bytes(proof.certificate), 'application/json'],
        ['report.json', bytes(proof.report), 'application/json'],
        ['model.sig', bytes(proof.modelSignature), 'application/json'],
        ['signing.pem.pub', proof.publicKey, 'text/plain'],
      ].map(([name, content, type]) => [name, URL.createObjectURL(new Blob([content], { type }))]));
    } catch (e) {
      setError(e);
    }
  }
  useEffect(() => () => files?.forEach(([, url]) => URL.revokeObjectURL(url)), [files]);

  return html`<div><h3>Certificate</h3><${Failure} error=${error} />
    ${files ? html`<ul>${files.map(([name, url]) => html`<li key=${name}><a href=${url} download=${name}>${name}</a></li>`)}</ul>`
      : html`<button type="button" onClick=${fetchFiles}>Fetch the certificate</button>`}</div>`;
}
