/** The error of a program that cannot work: it has a code, since undici's retry repeats what has none. */
export function mistake(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_VALUE" });
}
