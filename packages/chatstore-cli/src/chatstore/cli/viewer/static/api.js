// Requests to the viewer. The token came in the fragment of the address, which no server and no
// referrer sees. It is kept for this tab only, so that it can be loaded again.

const KEY = "chatstore-token";

/** Take the token out of the address. */
export function takeToken() {
  const fragment = location.hash.slice(1);
  if (fragment) {
    sessionStorage.setItem(KEY, fragment);
    history.replaceState(null, "", "/");
  }
}

/** A request failed; the message is a sentence for the user. */
export class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function send(path, parameters, options) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== false) query.set(name, value === true ? "" : value);
  }
  let response;
  try {
    response = await fetch(`/api/${path}?${query}`, {
      ...options,
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      headers: { ...options?.headers, Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError(0, "The viewer does not answer: is the command still running?");
  }
  if (response.ok) return response;
  let message = `the viewer answered with status ${response.status}`;
  try {
    message = (await response.json()).error;
  } catch { /* then the status must do */ }
  throw new RequestError(response.status, message);
}

export const getJson = async (path, parameters = {}, options = {}) =>
  (await send(path, parameters, options)).json();

export const getBlob = async (path, parameters = {}) => (await send(path, parameters)).blob();

export const postJson = async (path, body) =>
  (await send(path, {}, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  })).json();
