import type { Region } from "../base/region.js";

/** The token of a call to an operation, without its value. */
export interface OperationToken {
  /** The account that it was issued for. */
  readonly account: string;
  /** The region that it was issued in. */
  readonly region: Region;
  /** The client that it was issued to. */
  readonly clientId: string;
  /** The scopes that were granted. */
  readonly scopes: readonly string[];
  /** The user that it acts for; undefined for client credentials. */
  readonly userId: string | undefined;
}

/** A call to an operation of your own. Its token has been checked, and has the scope of the operation. */
export interface OperationCall {
  /** The HTTP method. */
  readonly method: string;
  /** As received, without the query. */
  readonly path: string;
  /** The parameters of the path by name, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** A new object for each call. */
  readonly query: URLSearchParams;
  /** By lower-case name. The values of a repeated header are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The value of a JSON body, the text of a form or a text, or the bytes (`Uint8Array`) of any other body; undefined without one. */
  // biome-ignore lint/suspicious/noExplicitAny: as the result of JSON.parse is.
  readonly body: any;
  /** The token of the request, which is valid and has the scope of the operation. */
  readonly token: OperationToken;
}

/** The answer to a call. */
export interface OperationAnswer {
  /** 200 to 599. */
  readonly status: number;
  /** `content-type` follows from the body when missing; `content-length` and `date` are added. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Strings, bytes and streams of them are sent as they are, anything else as JSON. Default: none. */
  readonly body?: unknown;
}

/** An operation of your own, which every gateway has in every account. */
export interface Operation {
  /** In upper-case letters. */
  readonly method: string;
  /** Such as `/flows/{id}/interactions`. A parameter in braces stands for any text without a slash. */
  readonly path: string;
  /** The scope that the token needs. Default clients have it too. Default: none. */
  readonly scope?: string;
  /** Answers a call. When it throws or rejects, the client gets a 500, and the log says why. */
  answer(call: OperationCall): OperationAnswer | Promise<OperationAnswer>;
}
