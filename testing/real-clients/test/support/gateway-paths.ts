/** A part of the gateway, written as openapi-typescript writes it. */
export interface paths {
  "/contacts": {
    get: {
      parameters: { query?: { q?: string; page?: number } };
      responses: { 200: { content: { "application/json": { page: number; total: number } } } };
    };
    post: {
      requestBody: { content: { "application/json": { name: string; company?: string } } };
      responses: { 201: { content: { "application/json": { id: string; name: string } } } };
    };
  };
  "/echo": {
    post: {
      requestBody: { content: { "multipart/form-data": { title: string; file: string } } };
      responses: { 200: { content: { "application/json": { method: string; path: string } } } };
    };
  };
}
