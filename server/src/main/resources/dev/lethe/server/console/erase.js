import { html, useEffect, useMemo, useRef, useState } from './lib/preact.js';
import { api } from './api.js';
import { Failure, Title, duration, number, useLoaded } from './parts.js';

const PICTURE = /\.(png|jpe?g|webp)$/i;

/** Files of a drop, those in folders included, each with its folder's name: the class. */
async function dropped(transfer) {
  // What was dropped is gone after the first wait. Files are taken as they are: only folders need an entry to be walked.
  const items = [...transfer.items].filter((item) => item.kind === 'file')
    .map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const found = [];
  async function walk(entry, folder) {
    if (entry.isFile) {
      found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), folder });
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      // A reader gives at most a hundred at a time.
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) {
        return;
      }
      for (const inner of some) {
        await walk(inner, entry.name);
      }
    }
  }
  for (const { entry, file } of items) {
    if (entry?.isDirectory) {
      await walk(entry, '');
    } else if (file) {
      found.push({ file, folder: '' });
    }
  }
  return found;
}

const chosen = (list) => [...list].map((file) => ({ file, folder: file.webkitRelativePath.split('/').at(-2) ?? '' }));

export function Erase() {
  const models = useLoaded(api.models, []);
  const [model, setModel] = useState('');
  const of = model || models.value?.[0] || '';
  const card = useLoaded(async () => (of ? api.card(of) : null), [of]);
  const labels = card.value?.labels ?? [];
  const [kind, setKind] = useState('ITEM');
  const [classes, setClasses] = useState([]);
  const [unlearn, setUnlearn] = useState([]);
  const [learn, setLearn] = useState([]);
  const [candidate, setCandidate] = useState(false);
  const [skip, setSkip] = useState(false);
  const [steps, setSteps] = useState('');
  const [mode, setMode] = useState('UNSPECIFIED');
  const [fit, setFit] = useState('CROP');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [looking, setLooking] = useState(null);
  const [found, setFound] = useState(null);
  const leave = useRef(null);
  const asked = [of, kind, classes, unlearn, learn, skip, steps, mode, fit];
  // What was found is of what was asked for then.
  useEffect(() => {
    leave.current?.abort();
    setFound(null);
  }, asked);
  useEffect(() => () => leave.current?.abort(), []);
  const stay = labels.filter((label) => !(label in (card.value?.unlearned_labels ?? {})));
  const unlabelled = labels.length > 0 ? unlearn.filter((image) => !labels.includes(image.label)).length : 0;
  const ready = of && (kind === 'CLASS' && labels.length > 0 ? classes.length > 0 : unlearn.length > 0 && unlabelled === 0);

  function request() {
    const form = new FormData();
    form.append('spec', JSON.stringify({
      model: of,
      kind: `UNLEARN_KIND_${kind}`,
      classes: kind === 'CLASS' ? classes : [],
      mode: `UNLEARN_MODE_${mode}`,
      fit: `IMAGE_FIT_${fit}`,
      skipUnreadable: skip,
      ...(steps && { iterations: Number(steps) }),
      keepAsCandidate: candidate,
      badImages: skip ? 'BAD_IMAGES_SKIP' : 'BAD_IMAGES_REFUSE',
    }));
    for (const [name, images] of [['unlearn', unlearn], ['learn', learn]]) {
      for (const { file, label } of images) {
        form.append(name, file, label ? `${label}/${file.name}` : file.name);
      }
    }
    return form;
  }

  async function look() {
    const left = new AbortController();
    leave.current = left;
    setError(null);
    setFound(null);
    setLooking({});
    try {
      for await (const { progress, inspection } of api.inspect(request(), left.signal)) {
        if (left.signal.aborted) {
          break;
        }
        setLooking(progress ?? {});
        setFound(inspection ?? null);
      }
    } catch (e) {
      if (e.name !== 'AbortError') {
        setError(e);
      }
    }
    if (leave.current === left) {
      setLooking(null);
    }
  }

  async function submit(event) {
    event.preventDefault();
    leave.current?.abort();
    setBusy(true);
    setError(null);
    try {
      location.hash = `#/jobs/${encodeURIComponent((await api.submit(request())).id)}`;
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  }

  return html`<${Title}>Erase images<//>
    <form onSubmit=${submit}>
      <div class="panel controls">
        <label>Model<select value=${of} onChange=${(e) => setModel(e.target.value)}>
          ${(models.value ?? []).map((name) => html`<option key=${name} value=${name} selected=${name === of}>${name}</option>`)}</select></label>
        <label>What is erased<select value=${kind} onChange=${(e) => setKind(e.target.value)}>
          <option value="ITEM">the images below</option><option value="CLASS">whole classes</option></select></label>
      </div>
      <${Failure} error=${models.error ?? card.error} />
      ${kind === 'CLASS' && labels.length > 0 && html`<fieldset class="panel"><legend>Classes to erase</legend>
        <div class="row">${stay.map((label) => html`<label class="line" key=${label}><input type="checkbox"
          checked=${classes.includes(label)} onChange=${(e) =>
            setClasses(e.target.checked ? [...classes, label] : classes.filter((c) => c !== label))} />${label}</label>`)}</div>
      </fieldset>`}
      <${Pictures} title="Images to erase" images=${unlearn} change=${setUnlearn} labels=${labels} id="unlearn" />
      <details><summary>Images to keep (optional)</summary>
        <p class="quiet">What the model must keep drawing well. Without them the server takes some of its own data, if it
          has any, or goes by what the model draws.</p>
        <${Pictures} title="Images to keep" images=${learn} change=${setLearn} labels=${labels} id="learn" />
      </details>
      <div class="panel">
        <label class="line"><input type="checkbox" checked=${candidate} onChange=${(e) => setCandidate(e.target.checked)} />
          Keep the result as a candidate, whatever the verdict is</label>
        <label class="line"><input type="checkbox" checked=${skip} onChange=${(e) => setSkip(e.target.checked)} />
          Leave out images that are there twice, that cannot be read, or that the model cannot draw</label>
        <details><summary>Details</summary><div class="controls">
          <label>Most steps<input type="number" min="1" max="100000" placeholder="600" value=${steps}
            onInput=${(e) => setSteps(e.target.value)} /></label>
          <label>Images of another size<select value=${fit} onChange=${(e) => setFit(e.target.value)}>
            <option value="CROP">their middle, as a square</option><option value="PAD">all of it, on black</option>
            <option value="RESIZE">all of it, distorted</option><option value="EXACT">are refused</option></select></label>
          <label>What stays is known from<select value=${mode} onChange=${(e) => setMode(e.target.value)}>
            <option value="UNSPECIFIED">images, if there are some</option><option value="FEW_SHOT">images</option>
            <option value="ZERO_SHOT">what the model draws</option></select></label>
        </div></details>
      </div>
      <${Failure} error=${error} />
      <p role="status">${said()}</p>
      ${looking && html`<progress max="1" value=${looking.fraction ?? 0} aria-label="Progress of the dry run" />`}
      ${found && html`<${Found} found=${found} />`}
      <div class="row">
        <button type="button" class=${found ? 'plain' : ''} disabled=${busy || looking || !ready || unlearn.length === 0}
          onClick=${look}>Look first: a dry run</button>
        <button class=${found ? '' : 'plain'} disabled=${busy || !ready}>Begin the job</button>
      </div>
    </form>`;

  function said() {
    if (busy) {
      return 'Sending…';
    }
    if (looking) {
      return `Looking for the images in the model; nothing is changed. ${looking.stage ?? ''}`;
    }
    return unlabelled > 0 ? `Choose the class of ${unlabelled} images.` : '';
  }
}

/** What a job would find. */
function Found({ found }) {
  const images = found.images ?? [];
  const judged = images.some((image) => image.judgement !== undefined);
  const share = (part) => `${number(part * 100, 2)} %`;
  const others = found.neverSeenError === undefined ? 'the model’s own pictures' : 'images that it never saw';
  return html`<section class="panel" aria-labelledby="title-found">
    <h2 id="title-found">What a job would find</h2>
    <p>Looked for in ${found.model} ${found.version}; nothing was changed. A job would take up to
      ${` ${duration(found.jobSeconds)}`} here; it ends before, once its target is reached.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="What was found of each image"><table>
      <caption>Percentages are of ${others}: of how many the model draws better, and of how many its discriminator says less</caption>
      <thead><tr><th scope="col">Image</th><th scope="col" class="number">Error</th><th scope="col" class="number">Drawn better</th>
        ${judged && html`<th scope="col" class="number">Discriminator</th>`}<th scope="col">Finding</th></tr></thead>
      <tbody>${images.map((image, i) => html`<tr key=${i}><th scope="row">${image.name}</th>
        <td class="number">${number(image.error)}</td><td class="number">${share(image.rank ?? 0)}</td>
        ${judged && html`<td class="number">${number(image.judgement)}${image.judgementRank !== undefined
          && ` (above ${share(image.judgementRank)})`}</td>`}
        <td>${image.finding}</td></tr>`)}</tbody></table></div>
    ${[...(found.preparations ?? []), ...(found.notes ?? [])].map((text) => html`<p class="quiet">${text}</p>`)}
  </section>`;
}

function Pictures({ title, images, change, labels, id }) {
  const [over, setOver] = useState(false);
  const [said, setSaid] = useState('');

  function add(found) {
    const pictures = found.filter(({ file }) => PICTURE.test(file.name));
    const left = found.length - pictures.length;
    setSaid(left > 0 ? `${left} files are no PNG, JPEG or WebP, and were left out.` : '');
    change([...images, ...pictures.map(({ file, folder }) => ({ file, label: labels.includes(folder) ? folder : '' }))]);
  }

  async function drop(event) {
    event.preventDefault();
    setOver(false);
    add(await dropped(event.dataTransfer));
  }

  return html`<section class="panel" aria-labelledby="title-${id}">
    <h2 id="title-${id}">${title}</h2>
    <div class="drop ${over ? 'over' : ''}" onDragOver=${(e) => { e.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <p>Drop photos or folders here${labels.length > 0 ? '; a folder’s name is its class' : ''}</p>
      <label>or choose files<input type="file" multiple accept="image/png,image/jpeg,image/webp" id="files-${id}"
        onChange=${(e) => { add(chosen(e.target.files)); e.target.value = ''; }} /></label>
    </div>
    <p role="status">${said}${images.length > 0 ? ` ${images.length} images.` : ''}</p>
    ${images.length > 1 && labels.length > 0 && html`<label>Class of all<select value=""
      onChange=${(e) => e.target.value && change(images.map((image) => ({ ...image, label: e.target.value })))}>
      <option value="">…</option>${labels.map((label) => html`<option key=${label} value=${label}>${label}</option>`)}</select></label>`}
    <ul class="gallery">${images.map((image, i) => html`<${Picture} key=${i} image=${image} labels=${labels}
      change=${(label) => change(images.map((its, at) => (at === i ? { ...its, label } : its)))}
      remove=${() => change(images.filter((_, at) => at !== i))} />`)}</ul>
  </section>`;
}

function Picture({ image, labels, change, remove }) {
  const url = useMemo(() => URL.createObjectURL(image.file), [image.file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return html`<li><figure><img src=${url} alt=${image.file.name} /><figcaption>${image.file.name}</figcaption></figure>
    ${labels.length > 0 && html`<select aria-label="Class of ${image.file.name}" value=${image.label}
      onChange=${(e) => change(e.target.value)}><option value="">class…</option>
      ${labels.map((label) => html`<option key=${label} value=${label}>${label}</option>`)}</select>`}
    <button type="button" class="plain" aria-label="Leave out ${image.file.name}" onClick=${remove}>Leave out</button></li>`;
}
