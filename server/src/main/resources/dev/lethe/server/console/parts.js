import { html, useCallback, useEffect, useRef, useState } from './lib/preact.js';

/** What an asynchronous function gives, read again when one of the inputs changes or reload() is called. */
export function useLoaded(load, inputs) {
  const [state, setState] = useState({ loading: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let current = true;
    load().then(
      (value) => current && setState({ value }),
      (error) => current && setState({ error }),
    );
    return () => {
      current = false;
    };
  }, [...inputs, round]);
  return { ...state, reload: useCallback(() => setRound((n) => n + 1), []) };
}

export function Failure({ error }) {
  return error && html`<p class="bad" role="alert">${error.message}</p>`;
}

let first = true;

/** The heading of a page that was gone to takes the focus, so that screen readers tell that there is another page. */
export function Title({ children }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${heading.current.textContent} · Lethe`;
    if (!first) {
      heading.current.focus({ preventScroll: true });
    }
    first = false;
  }, []);
  return html`<h1 tabindex="-1" ref=${heading}>${children}</h1>`;
}

/** reason: undefined for none, or whether one must be given. onYes is told it. */
export function Confirm({ question, yes, reason, onYes, onNo }) {
  const dialog = useRef(null);
  const [why, setWhy] = useState('');
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog ref=${dialog} aria-labelledby="question" onCancel=${onNo}>
    <form onSubmit=${(e) => { e.preventDefault(); onYes(why); }}>
      <p id="question">${question}</p>
      ${reason !== undefined && html`<p><label>Reason, which is recorded with your name
        <input maxlength="1000" required=${reason} value=${why} onInput=${(e) => setWhy(e.target.value)} /></label></p>`}
      <div class="row"><button>${yes}</button>
        <button type="button" class="plain" onClick=${onNo}>Cancel</button></div>
    </form>
  </dialog>`;
}

const short = (word, prefix) => (word ?? '').replace(prefix, '').toLowerCase().replaceAll('_', ' ');
export const jobState = (job) => short(job.state, 'JOB_STATE_');
export const jobPhase = (phase) => short(phase, 'JOB_PHASE_');
export const versionState = (version) => short(version.state, 'VERSION_STATE_');
export const isOver = (job) => ['succeeded', 'failed', 'cancelled'].includes(jobState(job));

export const number = (value, digits = 3) =>
  value === undefined || value === null ? '' : Number(value).toLocaleString('en', { maximumSignificantDigits: digits });

export const when = (text) => (text ? new Date(text).toLocaleString() : '');

export function duration(seconds) {
  if (seconds === undefined || seconds === null) {
    return '';
  }
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
