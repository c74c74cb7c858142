import axios from "axios";

/** axios with a header that the app sets: the limit of what uses axios. */
export function open({ headers, adapter }) {
  const api = axios.create({ adapter });
  return async (url, data) => {
    const method = data === undefined ? "get" : "post";
    return (await api.request({ url, method, data, headers })).status;
  };
}
