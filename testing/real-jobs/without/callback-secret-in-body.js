// A callback as it is requested without these packages: the secret is in the form.
import axios from "axios";

export async function requestCallback({ tokenUrl, apiUrl, clientId, clientSecret }, callback) {
  const form = new URLSearchParams({ grant_type: "client_credentials", scope: "callback:write" });
  form.append("client_id", clientId);
  form.append("client_secret", clientSecret);
  const { data } = await axios.post(tokenUrl, form);
  const headers = { Authorization: `Bearer ${data.access_token}` };
  return (await axios.post(`${apiUrl}/calls/callback`, callback, { headers })).status;
}
