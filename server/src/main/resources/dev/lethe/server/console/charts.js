import { html } from './lib/preact.js';

const WIDTH = 320;
const HEIGHT = 150;
const LEFT = 48;
const BOTTOM = 22;

/** Values over steps. points: [[x, y], ...], of which those that are not finite are left out. */
export function Curve({ name, points, colour }) {
  const known = points.filter(([, y]) => Number.isFinite(y));
  if (known.length === 0) {
    return null;
  }
  const xs = known.map(([x]) => x);
  const ys = known.map(([, y]) => y);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  let [y0, y1] = [Math.min(...ys), Math.max(...ys)];
  if (y0 === y1) {
    [y0, y1] = [y0 - (Math.abs(y0) || 1) * 0.1, y1 + (Math.abs(y1) || 1) * 0.1];
  }
  const px = (x) => LEFT + ((x - x0) / (x1 - x0 || 1)) * (WIDTH - LEFT - 8);
  const py = (y) => 8 + ((y1 - y) / (y1 - y0)) * (HEIGHT - BOTTOM - 8);
  const text = (value) => Number(value).toLocaleString('en', { maximumSignificantDigits: 3 });
  const last = known.at(-1);
  return html`<figure>
    <figcaption>${name}: <strong>${text(last[1])}</strong></figcaption>
    <svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
      aria-label="${name} from ${text(ys[0])} at step ${xs[0]} to ${text(last[1])} at step ${last[0]}">
      <path class="axis" d="M${LEFT} 8V${HEIGHT - BOTTOM}H${WIDTH - 8}" />
      <text x="${LEFT - 5}" y="16" text-anchor="end">${text(y1)}</text>
      <text x="${LEFT - 5}" y="${HEIGHT - BOTTOM}" text-anchor="end">${text(y0)}</text>
      <text x="${LEFT}" y="${HEIGHT - 6}">${x0}</text>
      <text x="${WIDTH - 8}" y="${HEIGHT - 6}" text-anchor="end">${x1}</text>
      <polyline class="curve curve-${1 + (colour % 4)}" points="${known.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ')}" />
    </svg>
  </figure>`;
}
