import { html, useEffect, useState } from './lib/preact.js';
import { api } from './api.js';
import { Failure, Title, number, useLoaded } from './parts.js';

const MOST = 64;

export function Gallery() {
  const models = useLoaded(api.models, []);
  const [model, setModel] = useState('');
  const chosen = model || models.value?.[0] || '';
  const versions = useLoaded(async () => (chosen ? api.versions(chosen) : []), [chosen]);
  const [version, setVersion] = useState('');
  const card = useLoaded(async () => (chosen ? api.card(chosen, version) : null), [chosen, version]);
  const [label, setLabel] = useState('');
  const [seed, setSeed] = useState(0);
  const [count, setCount] = useState(16);
  const [psi, setPsi] = useState(1);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState(null);
  const [error, setError] = useState(null);
  const labels = card.value?.labels ?? [];
  const gone = card.value?.unlearned_labels ?? {};

  async function generate(event) {
    event?.preventDefault();
    setBusy(true);
    setError(null);
    const start = performance.now();
    try {
      const answer = await api.generate(chosen, {
        version, label, psi, count, seeds: { values: [seed] },
      });
      setMade({ ...answer, milliseconds: performance.now() - start });
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  }

  useEffect(() => {
    if (chosen) {
      generate();
    }
  }, [chosen]);

  return html`<${Title}>Gallery<//>
    <form class="panel controls" onSubmit=${generate}>
      <label>Model<select value=${chosen} onChange=${(e) => { setModel(e.target.value); setVersion(''); setLabel(''); }}>
        ${(models.value ?? []).map((name) => html`<option key=${name} value=${name} selected=${name === chosen}>${name}</option>`)}
      </select></label>
      <label>Version<select value=${version} onChange=${(e) => setVersion(e.target.value)}>
        <option value="">the active one</option>
        ${(versions.value ?? []).map((v) => html`<option key=${v.version} value=${v.version}>${v.version}</option>`)}
      </select></label>
      ${labels.length > 0 && html`<label>Class<select value=${label} onChange=${(e) => setLabel(e.target.value)}>
        <option value="">all in turn</option>
        ${labels.map((name) => html`<option key=${name} value=${name} disabled=${name in gone}>
          ${name}${name in gone ? ' (unlearned)' : ''}</option>`)}
      </select></label>`}
      <label>First seed<input type="number" min="0" max="4294967295" required value=${seed}
        onInput=${(e) => setSeed(Number(e.target.value))} /></label>
      <label>Images<input type="number" min="1" max=${MOST} required value=${count}
        onInput=${(e) => setCount(Number(e.target.value))} /></label>
      <label>Truncation ψ: ${psi}<input type="range" min="0" max="2" step="0.05" value=${psi}
        onInput=${(e) => setPsi(Number(e.target.value))} /></label>
      <div class="row"><button disabled=${busy || !chosen}>Generate</button>
        <button type="button" class="plain" onClick=${() => setSeed(Math.floor(Math.random() * 2 ** 31))}>Other seed</button></div>
    </form>
    <${Failure} error=${models.error ?? error} />
    <p role="status" class="quiet">${busy ? 'Generating…' : made && html`${made.images.length} images of
      ${' '}${made.model} ${made.version} in ${number(made.milliseconds)} ms
      (${number(made.milliseconds / made.images.length)} ms each)`}</p>
    <ul class="gallery">${(made?.images ?? []).map((image) => {
      const name = `${made.model}-${image.version}-seed${image.seed}${image.label ? `-${image.label}` : ''}.png`;
      const source = `data:image/png;base64,${image.image.data}`;
      return html`<li key=${image.index}><figure><a href=${source} download=${name}
        aria-label="Save ${name}"><img src=${source} alt="" /></a>
        <figcaption>seed ${image.seed}${image.label ? `, class ${image.label}` : ''}</figcaption></figure></li>`;
    })}</ul>`;
}
