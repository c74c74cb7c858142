import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import axios from "axios";
import { DecoratorHandler } from "undici";

// Each function here makes calls by name: `bare` is the client alone with a fixed header, the last one is the adapter. The
// floors between them add a header by the client's own means, which an adapter cannot undercut.

/** @param send The fetch beneath. */
export function fetchCalls({ url, source, authorization, send, read }) {
  const headers = { authorization };
  const ours = talkdeskFetch(source, { fetch: send });
  return {
    bare: () => send(url, { headers }).then(read),
    "floor: new Headers": () => {
      const added = new Headers();
      added.set("authorization", authorization);
      return send(url, { headers: added }).then(read);
    },
    "floor: new Request": () => {
      const request = new Request(url);
      request.headers.set("authorization", authorization);
      return send(request).then(read);
    },
    talkdeskFetch: () => ours(url).then(read),
  };
}

/** @param call Makes a call through a dispatcher. */
export function undiciCalls({ source, authorization, dispatcher, call }) {
  const headers = { authorization };
  const passing = dispatcher.compose((dispatch) => (request, handler) => dispatch(request, handler));
  const wrapping = dispatcher.compose(
    (dispatch) => (request, handler) =>
      dispatch({ ...request, headers: ["authorization", authorization] }, new Passing(handler)),
  );
  const ours = dispatcher.compose(talkdeskUndici(source));
  return {
    bare: () => call(dispatcher, headers),
    "floor: a dispatch that passes on": () => call(passing, headers),
    "floor: and a handler that does": () => call(wrapping),
    talkdeskUndici: () => call(ours),
  };
}

/** The smallest handler that forwards to another. */
class Passing {
  #handler;
  constructor(handler) {
    this.#handler = handler.onRequestStart ? handler : new DecoratorHandler(handler);
  }
  onRequestStart(controller, context) {
    this.#handler.onRequestStart(controller, context);
  }
  onResponseStart(controller, status, headers, message) {
    this.#handler.onResponseStart(controller, status, headers, message);
  }
  onResponseData(controller, chunk) {
    this.#handler.onResponseData(controller, chunk);
  }
  onResponseEnd(controller, trailers) {
    this.#handler.onResponseEnd(controller, trailers);
  }
  onResponseError(controller, error) {
    this.#handler.onResponseError(controller, error);
  }
}

/** @param transport Options of the instances: the adapter or agent beneath. */
export function axiosCalls({ url, source, authorization, transport }) {
  const headers = { authorization };
  const [bare, header, copy, ours] = Array.from({ length: 4 }, () => axios.create(transport));
  header.interceptors.request.use((config) => {
    config.headers.set("Authorization", authorization);
    return config;
  });
  // No adapter that keeps the token out of the caller's config can do less.
  copy.interceptors.request.use((config) => {
    const beneath = axios.getAdapter(config.adapter, config);
    config.adapter = (given) => {
      const copied = new axios.AxiosHeaders(given.headers);
      copied.set("Authorization", authorization);
      return beneath({ ...given, headers: copied });
    };
    return config;
  });
  ours.interceptors.request.use(talkdeskAxios(source));
  return {
    bare: () => bare.get(url, { headers }),
    "floor: an interceptor": () => header.get(url),
    "floor: and a copy of the config": () => copy.get(url),
    talkdeskAxios: () => ours.get(url),
  };
}
