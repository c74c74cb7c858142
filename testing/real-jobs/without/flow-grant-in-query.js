// A Studio flow as it is started without these packages: the grant is in the URL, and the body is empty.
export async function startFlow({ tokenUrl, apiUrl, clientId, clientSecret }, flowId, payload) {
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  const response = await fetch(`${tokenUrl}?grant_type=client_credentials&scope=flows-interactions:start`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Basic ${basic}` },
    body: "",
  });
  if (!response.ok) throw new Error(await response.text());
  const { access_token: token } = await response.json();
  const started = await fetch(`${apiUrl}/flows/${flowId}/interactions`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify(payload),
  });
  return started.json();
}
