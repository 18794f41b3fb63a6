import { html, useState } from './lib/preact.js';
import { api } from './api.js';
import { Confirm, Failure, Title, number, useLoaded, versionState } from './parts.js';

export function Models() {
  const models = useLoaded(api.models, []);
  return html`<${Title}>Models<//><${Failure} error=${models.error} />
    ${(models.value ?? []).map((name) => html`<${Versions} key=${name} model=${name} />`)}`;
}

function Versions({ model }) {
  const versions = useLoaded(() => api.versions(model), [model]);
  const [asked, setAsked] = useState(null);
  const [card, setCard] = useState(null);
  const [error, setError] = useState(null);
  const [said, setSaid] = useState('');
  const rows = versions.value ?? [];
  const active = rows.findIndex((v) => versionState(v) === 'active');

  async function activate(version, reason) {
    setAsked(null);
    setError(null);
    setSaid(`Loading ${version}…`);
    try {
      const swapped = await api.activate(model, version, reason);
      setSaid(`${swapped.version} serves now${swapped.previousVersion ? `, in place of ${swapped.previousVersion}` : ''}.`);
    } catch (e) {
      setSaid('');
      setError(e);
    }
    versions.reload();
  }

  async function show(version) {
    setError(null);
    try {
      setCard(card?.version === version ? null : await api.card(model, version));
    } catch (e) {
      setError(e);
    }
  }

  return html`<section class="panel" aria-labelledby="model-${model}">
    <h2 id="model-${model}">${model}</h2>
    <${Failure} error=${versions.error ?? error} />
    <p role="status">${said}</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Versions of ${model}"><table>
      <thead><tr><th scope="col">Version</th><th scope="col">From</th><th scope="col">State</th>
        <th scope="col">Lacks</th><th scope="col">Still holds</th><th scope="col">Actions</th></tr></thead>
      <tbody>${rows.map((v, i) => html`<tr key=${v.version}>
        <th scope="row">${v.version}</th><td>${v.parentVersion}</td><td>${versionState(v)}</td>
        <td>${v.lacks.map(erasure).join(', ')}</td><td>${v.holds.map(erasure).join(', ')}</td>
        <td class="row"><button type="button" class="plain" aria-expanded=${card?.version === v.version}
            onClick=${() => show(v.version)}>Card<span class="skip"> of ${v.version}</span></button>
          ${i !== active && versionState(v) !== 'purged' && html`<button type="button" onClick=${() => setAsked(v)}>
            ${i < active ? 'Roll back' : 'Promote'}<span class="skip"> to ${v.version}</span></button>`}</td></tr>`)}
      </tbody></table></div>
    ${card && html`<${Card} card=${card} />`}
    ${asked && html`<${Confirm} question="Let ${asked.version} of ${model} serve? ${versionState(asked) === 'retired'
        ? `It is retired: ${asked.retiredReason}` : 'Requests under way end on the version that serves now.'}"
      reason=${versionState(asked) === 'retired' ? true : undefined} yes="Let it serve"
      onYes=${(reason) => activate(asked.version, reason)} onNo=${() => setAsked(null)} />`}
  </section>`;
}

const erasure = ({ classes, images }) =>
  classes.length > 0 ? classes.join('+') : images === 1 ? '1 image' : `${images} images`;

function Card({ card }) {
  const facts = [
    ['Architecture', card.architecture],
    ['Images', `${card.network.resolution} × ${card.network.resolution}, ${card.network.channels === 1 ? 'grey' : 'colour'}`],
    ['Classes', (card.labels ?? []).join(', ') || 'none'],
    ['Trained on', card.training && `${card.training.data}, ${number(card.training.images, 6)} images`],
    ['Fréchet distance', card.quality?.fid !== undefined ? number(card.quality.fid) : ''],
    ['Class accuracy', card.quality?.label_accuracy !== undefined ? number(card.quality.label_accuracy) : ''],
  ].filter(([, value]) => value);
  return html`<div><h3>Card of ${card.version}</h3>
    <table><tbody>${facts.map(([name, value]) => html`<tr key=${name}><th scope="row">${name}</th><td>${value}</td></tr>`)}
    </tbody></table>
    <details><summary>model.json</summary><pre tabindex="0">${JSON.stringify({ ...card, w: undefined }, null, 2)}</pre></details></div>`;
}
