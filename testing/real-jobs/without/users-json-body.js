// Users as they are listed without these packages: grant and secret are JSON, which is what axios makes of an object.
import axios from "axios";

export async function listUsers({ tokenUrl, apiUrl, clientId, clientSecret }) {
  const { data } = await axios.post(tokenUrl, {
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: clientSecret,
  });
  const headers = { Authorization: `${data.token_type} ${data.access_token}` };
  return (await axios.get(`${apiUrl}/users`, { headers })).data._embedded.users;
}
