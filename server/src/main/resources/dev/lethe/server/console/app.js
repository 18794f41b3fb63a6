import { html, render, useEffect, useState } from './lib/preact.js';
import { api, token } from './api.js';
import { Erase } from './erase.js';
import { Gallery } from './gallery.js';
import { Job, Jobs } from './jobs.js';
import { Models } from './models.js';
import { Failure, Title } from './parts.js';

const PAGES = [['gallery', 'Gallery'], ['models', 'Models'], ['jobs', 'Jobs'], ['erase', 'Erase']];

function useRoute() {
  const read = () => location.hash.replace(/^#\//, '').split('/').map(decodeURIComponent);
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

function App() {
  const [page, id] = useRoute();
  // Whether the server lets us in: undefined until it has said.
  const [access, setAccess] = useState(undefined);

  function ask() {
    api.models().then(() => setAccess(null), setAccess);
  }
  useEffect(ask, []);

  function leave() {
    token.set('');
    setAccess(undefined);
    ask();
  }

  const body = access === undefined ? html`<p role="status">…</p>`
    : access?.code === 401 ? html`<${SignIn} refusal=${token.get() && access} onToken=${ask} />`
      : access ? html`<${Failure} error=${access} />`
        : page === 'models' ? html`<${Models} />`
          : page === 'jobs' && id ? html`<${Job} key=${id} id=${id} />`
            : page === 'jobs' ? html`<${Jobs} />`
              : page === 'erase' ? html`<${Erase} />` : html`<${Gallery} />`;
  const current = PAGES.some(([name]) => name === page) ? page : 'gallery';
  return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.querySelector('h1')?.focus(); }}>To the content</a>
    <header><span class="brand">Lethe</span>
      <nav aria-label="Pages"><ul>${PAGES.map(([name, title]) => html`<li key=${name}><a href="#/${name}"
        aria-current=${name === current ? 'page' : undefined}>${title}</a></li>`)}</ul></nav>
      ${token.get() && html`<button type="button" class="plain who" onClick=${leave}>Forget the token</button>`}
    </header>
    <main id="main">${body}</main>`;
}

function SignIn({ refusal, onToken }) {
  const [value, setValue] = useState('');
  return html`<${Title}>Who are you?<//>
    <form class="panel" onSubmit=${(e) => { e.preventDefault(); token.set(value.trim()); onToken(); }}>
      <p>This server answers those it knows. The token stays in this tab, until it is closed.</p>
      <label>Token<input type="password" autocomplete="off" required value=${value}
        onInput=${(e) => setValue(e.target.value)} /></label>
      <${Failure} error=${refusal || null} />
      <p><button>Go on</button></p>
    </form>`;
}

render(html`<${App} />`, document.getElementById('app'));
