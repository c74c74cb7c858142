import axios from "axios";
import { createAuthRefresh } from "axios-auth-refresh";

/** As its README: a request interceptor sets the stored token, and a refusal runs the refresh. */
export function open({ origin, clientId, clientSecret, adapter }) {
  const api = axios.create({ adapter });
  let token;
  const refreshAuthLogic = async (failedRequest) => {
    const auth = { username: clientId, password: clientSecret };
    const { data } = await axios.post(`${origin}/oauth/token`, "grant_type=client_credentials", {
      auth,
      adapter,
    });
    token = data.access_token;
    failedRequest.response.config.headers.Authorization = `Bearer ${token}`;
  };
  api.interceptors.request.use((request) => {
    request.headers.Authorization = `Bearer ${token}`;
    return request;
  });
  createAuthRefresh(api, refreshAuthLogic);
  return async (url) => (await api.get(url)).status;
}
