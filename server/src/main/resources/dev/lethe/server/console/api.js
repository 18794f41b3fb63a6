// The server's HTTP interface: /openapi.json.

const KEY = 'lethe.token';

/** Kept as long as the page's tab. */
export const token = {
  get: () => sessionStorage.getItem(KEY) ?? '',
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
};

export class ApiError extends Error {
  constructor(code, status, message) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

async function send(path, { method = 'GET', json, form, signal } = {}) {
  const headers = {};
  if (token.get()) {
    headers.authorization = `Bearer ${token.get()}`;
  }
  if (json !== undefined) {
    headers['content-type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: form ?? (json === undefined ? undefined : JSON.stringify(json)) });
  } catch (e) {
    if (e.name === 'AbortError') {
      throw e;
    }
    throw new ApiError(0, 'UNAVAILABLE', 'The server cannot be reached.');
  }
  if (!response.ok) {
    throw failure(response.status, await response.text());
  }
  return response;
}

function failure(code, text) {
  try {
    const { error } = JSON.parse(text);
    return new ApiError(code, error.status, error.message);
  } catch {
    return new ApiError(code, '', text.trim() || `HTTP ${code}`);
  }
}

export async function call(path, options) {
  return (await send(path, options)).json();
}

/** The messages of a stream, one by one. */
export async function* lines(path, options) {
  const reader = (await send(path, options)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const part of parts) {
      const message = JSON.parse(part);
      if (message.error) {
        throw new ApiError(message.error.code, message.error.status, message.error.message);
      }
      yield message;
    }
  }
}

const part = encodeURIComponent;

export const api = {
  models: async () => (await call('/v1/models')).models,
  versions: async (model) => (await call(`/v1/models/${part(model)}/versions`)).versions,
  card: async (model, version) => {
    const path = version ? `/v1/models/${part(model)}/versions/${part(version)}/card` : `/v1/models/${part(model)}/card`;
    return JSON.parse((await call(path)).cardJson);
  },
  activate: (model, version, overrideReason) =>
    call(`/v1/models/${part(model)}/versions/${part(version)}:activate`, { method: 'POST', json: { overrideReason } }),
  generate: (model, request) => call(`/v1/models/${part(model)}:generate`, { method: 'POST', json: request }),
  jobs: async () => (await call('/v1/jobs')).jobs,
  job: (id) => call(`/v1/jobs/${part(id)}`),
  watch: (id, signal) => lines(`/v1/jobs/${part(id)}:watch`, { signal }),
  approve: (id, reason) => call(`/v1/jobs/${part(id)}:approve`, { method: 'POST', json: { reason } }),
  reject: (id, reason) => call(`/v1/jobs/${part(id)}:reject`, { method: 'POST', json: { reason } }),
  retry: (id) => call(`/v1/jobs/${part(id)}:retry`, { method: 'POST' }),
  certificate: (id) => call(`/v1/jobs/${part(id)}/certificate`),
  cancel: (id) => call(`/v1/jobs/${part(id)}:cancel`, { method: 'POST' }),
  report: (id) => call(`/v1/jobs/${part(id)}/report`),
  submit: (form) => call('/v1/jobs', { method: 'POST', form }),
  inspect: (form, signal) => lines('/v1/inspections', { method: 'POST', form, signal }),
};
