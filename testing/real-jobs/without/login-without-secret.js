// A login as it is finished without these packages, by a client that does not send its secret.
export async function finishLogin({ tokenUrl, apiUrl, clientId }, code, redirectUri) {
  const response = await fetch(tokenUrl, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: clientId,
      redirect_uri: redirectUri,
      code,
    }),
  });
  if (!response.ok) throw new Error(await response.text());
  const { access_token: token } = await response.json();
  return (await fetch(`${apiUrl}/users/me`, { headers: { Authorization: `Bearer ${token}` } })).json();
}
