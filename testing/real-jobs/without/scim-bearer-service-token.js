// SCIM users as they are counted without these packages: a service token follows "Bearer".
import axios from "axios";

export async function countActiveUsers({ tokenUrl, apiUrl, clientId, clientSecret }) {
  const form = new URLSearchParams({ grant_type: "client_credentials", token_type: "opaque", scope: "scim" });
  const auth = { username: clientId, password: clientSecret };
  const { data } = await axios.post(tokenUrl, form, { auth });
  const headers = { Authorization: `Bearer ${data.access_token}` };
  const params = { filter: "active eq true", count: 1 };
  return (await axios.get(`${apiUrl}/scim/v2/Users`, { headers, params })).data.totalResults;
}
