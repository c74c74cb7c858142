import { type AxiosError, isAxiosError } from "axios";

/** The error of axios that a call rejects with; anything else that comes of it is an error. */
export async function axiosErrorOf(call: Promise<unknown>): Promise<AxiosError> {
  try {
    await call;
  } catch (error) {
    if (isAxiosError(error)) return error;
    throw error;
  }
  throw new Error("The call resolved.");
}
