import axios from "axios";
import { clientCredentials } from "axios-oauth-client";
import tokenProvider from "axios-token-interceptor";

/** As both READMEs: the one gets tokens, the other keeps one for its `expires_in` and sets the header. */
export function open({ origin, clientId, clientSecret, adapter }) {
  const api = axios.create({ adapter });
  const getClientCredentials = clientCredentials(
    axios.create({ adapter }),
    `${origin}/oauth/token`,
    clientId,
    clientSecret,
  );
  const getToken = tokenProvider.tokenCache(() => getClientCredentials(), {
    getMaxAge: (body) => body.expires_in * 1000,
  });
  api.interceptors.request.use(
    tokenProvider({ getToken, headerFormatter: (body) => `Bearer ${body.access_token}` }),
  );
  return async (url) => (await api.get(url)).status;
}
